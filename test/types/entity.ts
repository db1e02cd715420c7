import { feature, featureset, t } from '../../libs/definition/thyme.js';
@featureset({ entity: 'user_id' }) export class Ok { @feature(t.string, { id: 1 }) user_id!: string; }
@featureset({ entity: ['origin', 'destination'] }) export class Route { @feature(t.string, { id: 1 }) origin!: string; @feature(t.string, { id: 2 }) destination!: string; }
// @ts-expect-error no such feature
@featureset({ entity: 'user' }) export class Bad { @feature(t.string, { id: 1 }) user_id!: string; }
// @ts-expect-error one of them is no feature
@featureset({ entity: ['origin', 'to'] }) export class BadRoute { @feature(t.string, { id: 1 }) origin!: string; }
// @ts-expect-error not said
@featureset({}) export class Bad2 { @feature(t.string, { id: 1 }) user_id!: string; }
// @ts-expect-error not said
@featureset() export class Bad3 { @feature(t.string, { id: 1 }) user_id!: string; }
