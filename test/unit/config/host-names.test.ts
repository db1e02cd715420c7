import { expect } from 'chai';
import fc from 'fast-check';
import { createHostCheck, hostOf, parseHostNames } from '../../../libs/config/host-names.js';

describe('host names', () => {
  it('are those of loopback, the configured ones, and the address that the connection came to', () => {
    const isOurs = createHostCheck(['thyme.example.com', '*.thyme.svc', '10.0.0.5', '[2001:db8::5]']);
    const cases: readonly (readonly [string, string | undefined, boolean])[] = [
      ['localhost:8080', undefined, true],
      ['127.0.0.1', '127.0.0.1', true],
      ['[::1]:8080', '::1', true],
      ['THYME.example.com:443', undefined, true],
      ['thyme.example.com.', undefined, true],
      ['query-0.thyme.svc:50051', undefined, true],
      ['a.b.thyme.svc', undefined, true],
      ['10.0.0.5:1', undefined, true],
      ['[2001:DB8::5]', undefined, true],
      ['172.17.0.2:8080', '172.17.0.2', true], // a probe, with --host 0.0.0.0
      ['172.17.0.2:8080', '::ffff:172.17.0.2', true],
      ['172.17.0.3:8080', '172.17.0.2', false],
      ['thyme.svc', undefined, false],
      ['.thyme.svc', undefined, false],
      ['evilthyme.svc', undefined, false],
      ['thyme.example.com.evil.example', undefined, false],
      ['evil.example', '10.0.0.5', false],
      ['user@localhost', undefined, false],
      ['localhost/', undefined, false],
      ['localhost:port', undefined, false],
      ['', undefined, false],
    ];
    for (const round of [1, 2])
      // what was found is remembered
      for (const [authority, localAddress, expected] of cases)
        expect(isOurs(authority, localAddress), `${authority} at ${String(localAddress)}, round ${round}`).to.equal(expected);
  });

  it('are remembered for the address that they were right for, and not for others', () => {
    const isOurs = createHostCheck([]);
    expect([isOurs('10.1.1.1', '10.1.1.1'), isOurs('10.1.1.1', '10.1.1.2'), isOurs('10.1.1.1', '10.1.1.1')]).to.deep.equal([
      true,
      false,
      true,
    ]);
  });

  it('that nobody configured are refused, whatever they are made of', () => {
    const isOurs = createHostCheck(['thyme.example.com']);
    fc.assert(
      fc.property(fc.domain(), fc.option(fc.nat(65_535)), (domain, port) => {
        fc.pre(domain !== 'thyme.example.com');
        expect(isOurs(port === null ? domain : `${domain}:${port}`, '127.0.0.1')).to.equal(false);
      }),
    );
  });

  it('are read out of what a client sends, or are not', () => {
    expect(['a.b:1', '[::1]:2', 'A', 'x'.repeat(300), 'a b', 'a:b:c'].map(hostOf)).to.deep.equal([
      'a.b',
      '::1',
      'a',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('that an operator mistypes are named with their variable', () => {
    expect(parseHostNames(['thyme.example.com', '*.svc', '10.0.0.1', '[::1]', '::1'], 'HOSTS')).to.have.length(5);
    for (const wrong of ['http://a', 'a:80', '*', '*.', 'a b', 'a/b'])
      expect(() => parseHostNames([wrong], 'HOSTS'), wrong).to.throw(/^HOSTS: /);
  });
});
