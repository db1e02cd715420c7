import { expect } from 'chai';
import { startGateway, type RunningGateway } from './fake-services.js';

describe('REST and what a client accepts', () => {
  let gateway: RunningGateway;
  before(async () => {
    gateway = await startGateway();
  });
  after(() => gateway.server.stop({ graceMs: 500 }));

  const asked = (path: string, accept: string) => fetch(gateway.url + path, { headers: { accept } });

  it('answers 406 where it takes nothing of what it could get', async () => {
    const response = await asked('/features?featureset=A&entity_id=1', 'text/html, application/xml;q=0.9');
    expect(await response.json()).to.deep.include({
      status: 406,
      type: 'about:blank',
      detail: 'Accept names nothing that is answered here: send application/json, or */*',
    });
    expect((await asked('/health', 'text/html')).status).to.equal(406);
  });

  it('answers where it takes something', async () => {
    expect((await asked('/health', 'text/html, */*;q=0.1')).status).to.equal(200);
    expect((await asked('/metrics', 'text/plain;version=0.0.4')).status).to.equal(200);
  });
});
