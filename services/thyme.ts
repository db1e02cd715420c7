#!/usr/bin/env node
// The one program: `thyme serve` runs the platform or some of its roles, every other command is a client of it.
import { commit } from '../libs/cli/commit-command.js';
import { log } from '../libs/cli/log-command.js';
import { plan } from '../libs/cli/plan-command.js';
import { lookup, query, queryOffline, status } from '../libs/cli/read-commands.js';
import { runCommand } from '../libs/cli/run-command.js';
import { dev } from './dev-command.js';
import { serve } from './serve-command.js';

/** All that is to be ended in order has been by then. */
const LEFT_OPEN_MS = 2_000;

process.exitCode = await runCommand([serve, dev, plan, commit, log, query, queryOffline, lookup, status], process.argv.slice(2), process.env);
// What is left, such as an acquisition that the brokers do not answer, holds no process that was told to end.
setTimeout(() => process.exit(), LEFT_OPEN_MS).unref();
