// Tests of the console in a browser. Run by .ci/console.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const { WORKER, CHROMIUM, TOOLS, PICTURES } = process.env;
const tool = createRequire(join(TOOLS, 'node_modules', '/'));
const { chromium } = tool('playwright-core');
const axe = readFileSync(tool.resolve('axe-core/axe.min.js'), 'utf8');
const files = mkdtempSync(join(tmpdir(), 'console-'));
const secret = 'console-secret';
const patience = 60_000; // far longer than anything takes

// start starts a worker and waits for the address of its console.
const started = [];
async function start(args, env = {}) {
  const child = spawn(WORKER, args, {
    env: { PATH: process.env.PATH, WILDIX_SECRET: secret, WILDIX_LISTEN_ADDR: '127.0.0.1:0', WILDIX_ADMIN_ADDR: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const worker = { child, lines: [] };
  const said = (pattern) => new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        worker.lines.push(line);
        const match = line.match(pattern);
        if (match) resolve(match[1]);
      });
    }
    child.on('exit', () => reject(new Error(`${args[0]} ended:\n${worker.lines.join('\n')}`)));
  });
  const url = said(/(?:"console":"|Its console: )(http:[^"]+)/);
  const webhook = args[0] === 'webhook' ? said(/"message":"receiving","address":"([^"]+)"/) : '';
  worker.url = await url;
  worker.webhook = `http://${await webhook}/webhook`;
  return worker;
}

async function stop({ child }) {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  assert.equal(child.exitCode, 0, 'the worker ends cleanly');
}

async function run(args, env = {}) {
  const child = spawn(WORKER, args, { env: { PATH: process.env.PATH, WILDIX_SECRET: secret, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said += data; });
  const [code] = await once(child, 'exit');
  return { code, said };
}

const send = (worker, ...args) => run(['send', '--webhook', worker.webhook, ...args]);

// event creates the file of an event of now.
let events = 0;
function event(type, id, data, age = 0) {
  const file = join(files, `${events++}.json`);
  writeFileSync(file, JSON.stringify({ id, type, company: 'example', pbx: '221100001bab', integrationId: '8qkmnq', time: Date.now() - age, data }));
  return file;
}

async function post(worker, ...what) {
  const { code, said } = await send(worker, '--file', event(...what));
  assert.equal(code, 0, said);
}

const party = (name, phone, more) => ({ type: 'REMOTE', name, phone, ...more });

// look opens a page, and records errors and requests to other hosts.
async function look(worker, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.faults = [];
  page.on('console', (message) => page.faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => page.faults.push(`error: ${error.stack}`));
  page.on('dialog', (dialog) => {
    page.faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(worker.url).origin) page.faults.push(`request of ${request.url()}`);
  });
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`violates ${e.violatedDirective}: ${e.blockedURI}`)));
  await page.goto(worker.url);
  return page;
}

// firstFrame returns the first frame of the stream.
async function firstFrame(worker) {
  const response = await fetch(`${worker.url}console/events`);
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

async function leave(page, ...expected) {
  const faults = page.faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
  assert.deepEqual(faults, [], 'the browser has nothing to complain about');
  await page.context().close();
}

const text = (page, selector) => page.locator(selector).textContent();
const until = (page, what, ...args) => page.waitForFunction(what, ...args);
const has = (page, selector, wanted) => page.locator(selector).filter({ hasText: wanted }).first().waitFor();
const rows = (page, table) => page.locator(`.${table} tbody tr`);
const fits = (page) => page.evaluate((width) => [document.documentElement, ...document.querySelectorAll('.scroll')]
  .every((node) => node.scrollWidth <= Math.min(width, node.clientWidth)), page.viewportSize().width);

// accessible checks the page with axe, including contrasts.
async function accessible(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`), [], where);
}

const checks = {
  async 'the demo shows live calls and the errors of rejected messages'() {
    const demo = await start(['demo', '--forever']);
    const page = await look(demo);
    await has(page, '.state', 'consuming');
    await has(page, '.calls tbody tr', /\+1202555010\d/);
    await has(page, '.calls tbody tr', 'Talking');
    const handle = await rows(page, 'calls').first().elementHandle();
    await until(page, (row) => !row.isConnected, handle); // the call has ended
    await has(page, '.notes tbody tr', /rejected.*signature mismatch/);
    await has(page, '.notes tbody tr', /rejected.*signature missing/);
    await has(page, '.notes tbody tr', /malformed.*not JSON at byte 1/);
    await has(page, '#dead', /^[1-9]/);
    await has(page, '#rate', /^[1-9]/);
    await until(page, () => document.querySelector('#rates .handled').getAttribute('d').length > 100);
    await page.locator('#trouble').check();
    await until(page, () => [...document.querySelectorAll('.notes .outcome')].every((node) => !/handled/.test(node.textContent)));
    await leave(page);
    await stop(demo);
  },

  async 'names, numbers and emails are masked before they are sent'() {
    const worker = await start(['webhook']);
    const page = await look(worker);
    const caller = party('Ada Example', '+12025550142', { email: 'ada.example@example.com' });
    await post(worker, 'call:start', 'masked-1', { status: 'RINGING', caller, destination: '+12025550143', callee: { ...party('Bea Sample', '+12025550143'), type: 'LOCAL' } });
    await has(page, '.calls tbody tr', /A\. E\..*\*\*\*42.*B\. S\..*\*\*\*43/);
    const stream = await firstFrame(worker);
    assert.match(stream, /A\. E\./);
    for (const shown of [stream, await page.content()]) {
      for (const hidden of ['Ada', 'Bea', 'Sample', '5550142', '5550143', '202555', 'ada.example']) assert.ok(!shown.includes(hidden), hidden);
    }
    await has(page, '#masked', 'are masked');
    await leave(page);
    await stop(worker);
  },

  async 'hostile texts are not markup'() {
    const worker = await start(['webhook', '--console-unmasked']);
    const page = await look(worker);
    const evil = [
      '<img src=x onerror=alert(1)>', '</script><script>alert(2)</script>', '"><svg onload=alert(3)>', "';alert(4)//",
      '\u202egnp.exe\u202c \u2067\u05d0\u05d1\u2069', '${alert(5)}{{alert(6)}}', 'data: x\n\ndata: {"number":1}\n\n', '__proto__',
    ];
    for (const [i, name] of evil.entries()) {
      await post(worker, 'call:start', `<b>${i}</b>`, { status: name, caller: party(name, name), queueName: name });
      await post(worker, name, name, {});
    }
    await send(worker, '--bad', 'tampered', '--type', 'call:end');
    await has(page, '.notes tbody tr', 'signature mismatch');
    assert.equal(await rows(page, 'calls').count(), evil.length);
    for (const name of evil.slice(0, 4)) await has(page, '.calls .who', name);
    await has(page, '.notes tbody tr', evil[1]);
    assert.equal(await page.locator('table img, table script, table svg, table b').count(), 0);
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(await text(page, 'main')), 'nothing turns the writing round');
    // The content security policy is in force.
    const markup = () => { try { document.body.innerHTML = '<i></i>'; return 'made'; } catch (error) { return error.name; } };
    assert.equal(await page.evaluate(markup), 'TypeError');
    const violation = page.waitForEvent('console', (message) => message.text().startsWith('violates img-src'));
    await page.evaluate(() => { new Image().src = 'http://outside.example.com/'; });
    await violation;
    await leave(page, /TrustedHTML|violates|Content Security Policy|request of http:\/\/outside.example.com/);
    await stop(worker);
  },

  async 'a thousand calls, a filter, and keys'() {
    const worker = await start(['webhook', '--console-unmasked']);
    const page = await look(worker);
    const { said } = await send(worker, '--type', 'call:start', '--count', '1000');
    assert.match(said, /1000 × 204/);
    await has(page, '#live', '1,000');
    await has(page, '#calls-count', '1,000');
    assert.equal(await rows(page, 'calls').count(), 100);
    await page.getByRole('button', { name: 'and 900 more: show all' }).click();
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 1000);
    await post(worker, 'call:start', 'needle', { status: 'RINGING', caller: party('Needle Example', '+12025550199') });
    await has(page, '#live', '1,001');
    const top = rows(page, 'calls').first();
    await has(page, '#calls-count', 'the newest 1,000 of 1,001');
    assert.match(await top.textContent(), /Needle Example/);
    const age = await top.locator('.end').textContent();
    await until(page, (age) => document.querySelector('.calls tbody .end').textContent !== age, age); // the duration changes

    await page.keyboard.press('/');
    await page.keyboard.type('needle');
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 1);
    await has(page, '#calls-count', '1 fit');
    await page.keyboard.press('Escape');
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 1000);
    assert.equal(await page.locator('#filter').inputValue(), '');

    await page.keyboard.press('p');
    await has(page, '.state', 'display paused');
    assert.match(await page.locator('.controls').ariaSnapshot(), /button "Go on"$/m);
    await post(worker, 'call:end', 'needle', { status: 'RINGING' });
    await post(worker, 'call:start', 'other', { status: 'RINGING', caller: party('Other Example', '+12025550198') });
    assert.match(await rows(page, 'calls').first().textContent(), /Needle/);
    await page.keyboard.press('p');
    await has(page, '.calls tbody tr', 'Other Example');
    await until(page, () => !document.querySelector('.calls').textContent.includes('Needle'));
    await has(page, '.state', 'receiving');

    await page.reload();
    await has(page, '#live', '1,001');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the calls');
    await page.keyboard.press('Enter');
    await until(page, () => document.activeElement.id === 'calls');
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(ring, 'solid', 'the focus is seen');
    await page.keyboard.press('End');
    await until(page, () => document.querySelector('#calls').scrollTop > 0);
    await leave(page);
    await stop(worker);
  },

  async 'an address that is not loopback requires the token'() {
    const token = 'ein längeres Wort, 5 €';
    const { code, said } = await run(['webhook', '--admin-addr', '0.0.0.0:0']);
    assert.equal(code, 2, said);
    assert.match(said, /0\.0\.0\.0:0 is not a loopback address: set WILDIX_ADMIN_TOKEN/);
    const worker = await start(['webhook', '--admin-addr', '0.0.0.0:0'], { WILDIX_ADMIN_TOKEN: token });
    const page = await look(worker);
    await has(page, '.state', 'a token is required');
    await until(page, () => document.activeElement.id === 'token');
    await page.keyboard.type('another');
    await page.keyboard.press('Enter');
    await has(page, '.state', 'does not know this token');
    await accessible(page, 'token');
    await page.locator('#pause').click();
    await has(page, '.state', 'display paused');
    await page.locator('#token').focus();
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await has(page, '.state', 'receiving');
    assert.ok(!await page.locator('#token-form').isVisible());
    assert.equal(await text(page, '#pause'), 'Pause', 'with a token it goes on');
    await page.reload();
    await has(page, '.state', 'receiving'); // the tab still has the token
    assert.ok(!page.url().includes('token'));
    await leave(page, /console: Failed to load resource: the server responded with a status of 401/);
    await stop(worker);
  },

  async 'a lost connection is shown and restored'() {
    const worker = await start(['webhook']);
    const page = await look(worker);
    await has(page, '.state', 'receiving');
    await post(worker, 'call:start', 'first', { status: 'RINGING' });
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 1);
    await stop(worker);
    await has(page, '.state', 'connection lost');
    assert.ok(await page.locator('.board.stale').count(), 'what is shown is old, and looks so');
    await has(page, '.state', 'again in 2 s');
    const said = await text(page, '[role=status]');
    assert.match(said, /^connection lost, trying again in a while: /);
    await page.evaluate(() => {
      window.said = 0;
      new MutationObserver(() => window.said++).observe(document.querySelector('[role=status]'), { childList: true, characterData: true, subtree: true });
    });
    await has(page, '.state', 'again in 4 s');
    assert.equal(await page.evaluate(() => window.said), 0, 'the status does not change all the time');
    const again = await start(['webhook'], { WILDIX_ADMIN_ADDR: new URL(worker.url).host });
    await has(page, '.state', 'receiving');
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 0);
    await leave(page, /console: Failed to load resource: net::ERR_/);
    await stop(again);
  },

  async 'the rate counts from the start of the worker'() {
    const worker = await start(['webhook']);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(worker.url);
    const frame = JSON.parse((await firstFrame(worker)).replace('data: ', ''));
    const { step } = frame.whole;
    const now = 1000 * step;
    for (const [up, want] of [[step / 2, '–'], [step + 1, '20'], [2 * step + 1, '15'], [100 * step, '6']]) {
      const points = [[1, 40], [2, 20]].map(([ago, n]) => [now - ago * step, n, 0, 0, 0, 0, 0, 1, 1]);
      const made = { ...frame, now, points, whole: { ...frame.whole, started: now - up } };
      await page.route('**/console/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: `data: ${JSON.stringify(made)}\n\n` }));
      await page.reload();
      await until(page, (want) => document.querySelector('#rate').textContent === want, want);
      await page.unroute('**/console/events');
    }
    await context.close();
    await stop(worker);
  },

  async 'another host name is refused'() {
    const worker = await start(['webhook']);
    const { port } = new URL(worker.url);
    const context = await browser.newContext({ bypassCSP: true }); // like the page of another site
    const page = await context.newPage();
    const answer = await page.goto(`http://rebound.example.com:${port}/`); // resolves to 127.0.0.1 in this browser
    assert.equal(answer.status(), 421);
    // The page of another site does not get the stream either.
    const other = await start(['webhook']);
    await page.goto(other.url);
    const ask = (url) => fetch(url, { mode: 'no-cors' }).then(() => 'answered', () => 'refused');
    assert.equal(await page.evaluate(ask, `${worker.url}console/events`), 'refused');
    assert.equal(await page.evaluate(ask, `${other.url}console/events`), 'answered');
    await context.close();
    await stop(other);
    await stop(worker);
  },

  async 'the page is accessible and fits every screen'() {
    const demo = await start(['demo', '--forever', '--rate', '9']);
    while (!demo.lines.some((said) => said.includes('wildix-worker send'))) await once(demo.child.stdout, 'data');
    const env = Object.fromEntries(['WILDIX_QUEUE_URL', 'WILDIX_SECRET', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((name) => {
      const line = demo.lines.find((said) => said.includes(`${name}=`)) ?? '';
      return [name, line.match(`${name}=(\\S+)`)?.[1]];
    }));
    await longCalls(env);
    for (const [name, options] of Object.entries({
      light: { colorScheme: 'light' },
      dark: { colorScheme: 'dark' },
      phone: { colorScheme: 'light', viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true },
      'phone-dark': { colorScheme: 'dark', viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' },
    })) {
      const page = await look(demo, options);
      await has(page, '.notes tbody tr', 'rejected');
      await until(page, () => document.querySelectorAll('.calls tbody tr').length > 8 && document.querySelector('#p95').textContent !== '–');
      if (name === 'light') { // fill the plots
        await until(page, () => Number(document.querySelector('#outcomes .handled b').textContent.replace(',', '')) > 700, undefined, { timeout: 4 * patience });
      }
      assert.ok(await fits(page), `${name}: no scrolling sideways`);
      await until(page, () => [...document.querySelectorAll('.notes tbody tr')].slice(1, 6).some((row) => row.textContent.includes('rejected')));
      await page.screenshot({ path: join(PICTURES, `console-${name}.png`) });
      await accessible(page, name);
      await leave(page);
    }
    await stop(demo);
  },
};

// longCalls adds calls that are longer than the demo's own.
async function longCalls(env) {
  const people = [
    ['Ada Example', 'Sales', 'TALKING', 312], ['Joan Sample', 'Support', 'TALKING', 274], ['Kurt Muster', 'Support', 'TALKING', 191],
    ['Grete Model', 'Accounts', 'TALKING', 127], ['Emil Demo', 'Sales', 'TALKING', 88], ['Rosa Specimen', 'Reception', 'TALKING', 61],
    ['', 'Support', 'RINGING', 37], ['Jean Exemple', 'Sales', 'RINGING', 14],
  ];
  for (const [i, [name, group, status, seconds]] of people.entries()) {
    const caller = party(name || null, `+1202555012${i}`);
    const callee = { type: 'LOCAL', name: group, phone: `20${i % 4}` };
    const queueName = group === 'Support' ? 'Support' : null;
    const age = 1000 * seconds;
    for (const [type, data, when] of [['call:start', { status: 'CONNECTING', caller }, age], ['call:update', { status, caller, callee, queueName }, 0]]) {
      const { code, said } = await run(['send', '--file', event(type, `example_long.${i}`, data, when)], env);
      assert.equal(code, 0, said);
    }
  }
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--host-resolver-rules=MAP rebound.example.com 127.0.0.1'],
});
let failed = 0;
const only = process.argv[2] ?? '';
for (const [what, check] of Object.entries(checks)) {
  if (!what.includes(only)) continue;
  try {
    await check();
    console.log(`ok    ${what}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${what}\n${error.stack}`);
  }
}
await browser.close();
for (const child of started) child.kill('SIGKILL');
console.log(failed ? `console: ${failed} of ${Object.keys(checks).length} are not as they should be` : `console: seen in Chromium ${browser.version()}`);
process.exit(failed ? 1 : 0);
