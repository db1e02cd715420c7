import { expect } from 'chai';
import { Authority } from '../../libs/config/authority.js';
import { ConsoleSessions, LINK_US, SESSION_US } from '../../services/console/console-sessions.js';

describe('console sessions', () => {
  let nowUs: number;
  const clock = { nowUs: () => nowUs };
  let authority: Authority;
  let sessions: ConsoleSessions;

  beforeEach(() => {
    nowUs = 1_000e6;
    authority = new Authority({ configured: [], isOpen: false, clock });
    sessions = new ConsoleSessions({ clock, openSession: (expiresUs) => authority.openSession(expiresUs) });
  });

  it('a link is exchanged once, for a key of scope admin with an end', () => {
    const { link } = sessions.makeLink();
    const { key, expiresUs } = sessions.exchange(link);
    expect(authority.authorize('admin', key).apiKeyFingerprint).to.match(/^[0-9a-f]{8}$/);
    expect(() => authority.authorize('internal', key)).to.throw('internal');
    expect(() => sessions.exchange(link)).to.throw('opened already');
    nowUs = expiresUs - 1;
    expect(() => authority.authorize('admin', key)).to.not.throw();
    nowUs = expiresUs;
    expect(() => authority.authorize('admin', key)).to.throw('expired');
  });

  it('a link ends after an hour, whether or not it was opened', () => {
    const { link, expiresUs } = sessions.makeLink();
    expect(expiresUs).to.equal(nowUs + LINK_US);
    nowUs = expiresUs;
    expect(() => sessions.exchange(link)).to.throw('older than an hour');
    nowUs -= 1;
    expect(() => sessions.exchange(link), 'not even where the clock goes back').to.throw();
  });

  it('the oldest sessions are forgotten beyond 64, and no others', () => {
    const keys = Array.from({ length: 65 }, () => authority.openSession(nowUs + SESSION_US));
    expect(() => authority.authorize('read', keys[0])).to.throw('valid API key');
    for (const key of keys.slice(1)) authority.authorize('read', key);
  });
});
