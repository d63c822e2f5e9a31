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
const timeout = 60_000; // far longer than any step takes

const started = [];

// start starts a worker and waits for the address of its console.
async function start(args, env = {}) {
  const child = spawn(WORKER, args, {
    env: { PATH: process.env.PATH, WILDIX_SECRET: secret, WILDIX_LISTEN_ADDR: '127.0.0.1:0', WILDIX_ADMIN_ADDR: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const worker = { child, lines: [] };
  const printed = (pattern) => new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        worker.lines.push(line);
        const match = line.match(pattern);
        if (match) resolve(match[1]);
      });
    }
    child.on('exit', () => reject(new Error(`${args[0]} ended:\n${worker.lines.join('\n')}`)));
  });
  const url = printed(/(?:"console":"|Its console: )(http:[^"]+)/);
  const webhook = args[0] === 'webhook' ? printed(/"message":"receiving","address":"([^"]+)"/) : '';
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
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output += data; });
  const [code] = await once(child, 'exit');
  return { code, output };
}

const send = (worker, ...args) => run(['send', '--webhook', worker.webhook, ...args]);

// event writes a file with an event. age is how many milliseconds ago it happened.
let events = 0;
function event(type, id, data, age = 0) {
  const file = join(files, `${events++}.json`);
  writeFileSync(file, JSON.stringify({ id, type, company: 'example', pbx: '221100001bab', integrationId: '8qkmnq', time: Date.now() - age, data }));
  return file;
}

async function post(worker, ...what) {
  const { code, output } = await send(worker, '--file', event(...what));
  assert.equal(code, 0, output);
}

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const party = (name, phone, more) => ({ type: 'REMOTE', name, phone, ...more });

// openPage opens the console, and records errors and requests to other hosts.
async function openPage(worker, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(timeout);
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

// firstFrame returns the first frame of the stream, which may come in several parts.
async function firstFrame(worker) {
  const response = await fetch(`${worker.url}console/events`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('\n\n')) {
    const { value, done } = await reader.read();
    assert.ok(!done, `the stream ended after: ${text}`);
    text += value;
  }
  await reader.cancel();
  return text.slice(0, text.indexOf('\n\n'));
}

// closePage closes a page, and checks that it had no faults but the expected ones.
async function closePage(page, ...expected) {
  const faults = page.faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
  assert.deepEqual(faults, [], 'the browser reports no faults');
  await page.context().close();
}

const text = (page, selector) => page.locator(selector).textContent();
const until = (page, condition, ...args) => page.waitForFunction(condition, ...args);
const has = (page, selector, wanted) => page.locator(selector).filter({ hasText: wanted }).first().waitFor();
const rows = (page, table) => page.locator(`.${table} tbody tr`);
const fits = (page) => page.evaluate((width) => [document.documentElement, ...document.querySelectorAll('.scroll, dialog[open], pre')]
  .every((node) => node.scrollWidth <= Math.min(width, node.clientWidth)), page.viewportSize().width);

// accessible checks the page with axe, including contrasts.
async function accessible(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`), [], where);
}

// looks are the themes and widths in which parts of the page are looked at.
const looks = {
  light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, phone: { colorScheme: 'light', width: 390 }, 'phone-dark': { colorScheme: 'dark', width: 390 },
};

const checks = {
  async 'the demo shows live calls and the errors of rejected messages'() {
    const demo = await start(['demo', '--forever']);
    const page = await openPage(demo);
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
    await closePage(page);
    await stop(demo);
  },

  async 'dead letters are listed and redriven, by keyboard'() {
    const demo = await start(['demo', '--forever']);
    const page = await openPage(demo);
    await has(page, '#dead', /^[3-9]/);
    const press = async (name, key = 'Enter') => {
      await page.getByRole('button', { name }).focus();
      await page.keyboard.press(key);
    };
    await press('Show');
    await has(page, '#letters-result', /^Showing \d+ messages\./);
    assert.match(await page.locator('#letters-result').getAttribute('role'), /status/);
    const shown = await rows(page, 'letters').count();
    assert.ok(shown >= 3, `${shown} dead letters`);
    await has(page, '.letters tbody tr', /rejected.*signature mismatch/);
    assert.ok(await page.locator('#redrive-chosen').isDisabled());
    await page.getByRole('checkbox', { name: /^Choose the message [0-9a-f-]{36}, sent / }).first().focus();
    await page.keyboard.press('Space');
    await has(page, '#redrive-chosen', 'Redrive chosen (1)');
    await page.getByRole('checkbox', { name: 'Choose all that are shown' }).press('Space');
    await has(page, '#redrive-chosen', `Redrive chosen (${shown})`);
    await page.getByRole('checkbox', { name: 'Choose all that are shown' }).press('Space');
    await rows(page, 'letters').first().locator('input').press('Space');
    for (const [name, options] of Object.entries(looks)) {
      await page.emulateMedia({ colorScheme: options.colorScheme });
      await page.setViewportSize({ width: options.width ?? 1280, height: 860 });
      assert.ok(await fits(page), `${name}: no scrolling sideways`);
      await accessible(page, `dead letters, ${name}`);
      await page.locator('#dead-letters').screenshot({ path: join(PICTURES, `dead-letters-${name}.png`) });
      await press('Redrive chosen (1)');
      await accessible(page, `confirmation, ${name}`);
      await page.screenshot({ path: join(PICTURES, `redrive-${name}.png`) });
      await page.keyboard.press('p'); // does not pause behind the dialog
      await page.keyboard.press('Escape');
      await until(page, () => !document.querySelector('dialog').open && document.activeElement.id === 'redrive-chosen');
    }
    await has(page, '.state', 'consuming');
    await press('Redrive chosen (1)');
    await page.getByRole('dialog', { name: 'Redrive 1 message?' }).getByRole('button', { name: 'Redrive' }).press('Enter');
    await has(page, '#letters-result', /Moved 1 message\. The redrive began at \d\d:/);
    assert.equal(await rows(page, 'letters').count(), 0);
    await page.keyboard.press('p');
    await has(page, '.state', 'display paused');
    await press('Redrive all');
    await page.getByRole('button', { name: 'Redrive', exact: true }).press('Enter');
    await has(page, '#letters-result', /^Moved \d+ messages?\./); // a paused page goes on, to show the result
    await has(page, '.state', 'consuming');
    await has(page, '#dead', /^[1-9]/); // rejected again
    await page.route('**/console/dead-letters', (route) => route.fulfill({ status: 409, body: 'the queue has no redrive policy, and so no dead-letter queue' }));
    await press('Show');
    await has(page, '#letters-result.bad', /^the queue has no redrive policy, and so no dead-letter queue$/);
    await accessible(page, 'why there are no dead letters');
    await closePage(page, /console: Failed to load resource: the server responded with a status of 409/);
    await stop(demo);
  },

  async 'missed calls of today are shown where there is a state or a database'() {
    for (const [kind, settings] of Object.entries({
      state: `destinations:\n  whole:\n    type: log\n    on: [call:finished]\nstate: sqlite:${join(files, 'state.db')}\n`,
      database: `destinations:\n  rows:\n    type: database\n    url: sqlite:${join(files, 'calls.db')}\n`,
    })) {
      const config = join(files, `${kind}.yaml`);
      writeFileSync(config, settings);
      const first = await start(['webhook', '--config', config]);
      for (const [i, [name, queueName]] of [['Ada Example', 'Support'], ['Bea Sample', 'Sales'], ['', null]].entries()) {
        const data = { status: 'RINGING', queueName, caller: party(name || null, `+1202555014${i}`), callee: { type: 'LOCAL', phone: '201' } };
        await post(first, 'call:start', `missed-${i}`, data, 1000);
        await post(first, 'call:end', `missed-${i}`, data);
      }
      await stop(first);
      const worker = await start(['webhook', '--config', config]);
      const page = await openPage(worker);
      await has(page, '#missed-count', /^3, read at \d\d:\d\d$/);
      await has(page, '.missed tbody tr', /A\. E\..*\*\*\*40.*Support.*0:01/);
      await has(page, '.missed tbody tr', /\*\*\*42/);
      const stream = await firstFrame(worker);
      for (const hidden of ['Ada', 'Example', '555014']) assert.ok(!stream.includes(hidden), hidden);
      await page.keyboard.press('/');
      await page.keyboard.type('support');
      await until(page, () => document.querySelectorAll('.missed tbody tr').length === 1);
      await page.keyboard.press('Escape');
      await until(page, () => document.querySelectorAll('.missed tbody tr').length === 3);
      assert.match(await page.locator('#missed').ariaSnapshot(), /region "Missed calls today"[^]*columnheader "Waited"[^]*rowheader "A\. E\./);
      for (const [name, options] of Object.entries(looks)) {
        await page.emulateMedia({ colorScheme: options.colorScheme });
        await page.setViewportSize({ width: options.width ?? 1280, height: 860 });
        assert.ok(await fits(page), `${name}: no scrolling sideways`);
        await accessible(page, `missed calls, ${name}`);
        await page.locator('#missed').screenshot({ path: join(PICTURES, `missed-${name}.png`) });
      }
      await closePage(page);
      await stop(worker);
    }
  },

  async 'names, numbers and emails are masked before they are sent'() {
    const worker = await start(['webhook']);
    const page = await openPage(worker);
    const caller = party('Ada Example', '+12025550142', { email: 'ada.example@example.com' });
    await post(worker, 'call:start', 'masked-1', { status: 'RINGING', caller, destination: '+12025550143', callee: { ...party('Bea Sample', '+12025550143'), type: 'LOCAL' } });
    await has(page, '.calls tbody tr', /A\. E\..*\*\*\*42.*B\. S\..*\*\*\*43/);
    const stream = await firstFrame(worker);
    assert.match(stream, /A\. E\./);
    for (const shown of [stream, await page.content()]) {
      for (const hidden of ['Ada', 'Bea', 'Sample', '5550142', '5550143', '202555', 'ada.example']) assert.ok(!shown.includes(hidden), hidden);
    }
    await has(page, '#masked', 'are masked');
    await closePage(page);
    await stop(worker);
  },

  async 'a destination that is down is shown'() {
    const worker = await start(['webhook', '--handlers', 'log,forward', '--answer-within', '1s'], { WILDIX_FORWARD_URL: 'http://127.0.0.1:1/' });
    const page = await openPage(worker);
    await has(page, '.destinations tbody tr', /^log\s*up/);
    const sent = send(worker, '--type', 'call:end', '--count', '20');
    await has(page, '.destinations tbody tr', /^forward\s*down for 0:\d\d.*connection refused/);
    await until(page, () => [...document.querySelectorAll('.destinations tbody tr')].some((row) => /^log$/.test(row.cells[0].textContent) && Number(row.cells[3].textContent) > 0)); // the rate
    await has(page, '.state', 'receiving; forward is down');
    await accessible(page, 'with a destination that is down');
    assert.ok(await fits(page));
    await sent;
    await closePage(page);
    await stop(worker);
  },

  async 'an event is opened, masked, by mouse and by keyboard'() {
    const worker = await start(['webhook']);
    const page = await openPage(worker);
    const caller = party('Ada Example', '+12025550142', { email: 'ada.example@example.com' });
    const evil = '<img src=x onerror=alert(1)>\u202e\u0007';
    await post(worker, 'call:start', 'open-1', { status: 'RINGING', caller, queueName: evil, apiToken: 'hide-this', tags: ['Ada Example'] });
    await send(worker, '--bad', 'tampered', '--type', 'call:end');
    await has(page, '.notes tbody tr', 'signature mismatch');
    const answer = page.waitForResponse(/console\/event\?/);
    await page.getByRole('button', { name: 'call:start' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'call:start' });
    await has(page, '#event-state', /^\d+ bytes\.$/);
    const sent = await (await answer).text();
    const shown = await dialog.textContent();
    for (const wanted of ['open-1', 'example', '8qkmnq', '"phone": "***42"', '"name": "A. E."', '"apiToken": "***"', '<img src=x onerror=alert(1)>\\u202e\\u0007', 'handled']) assert.ok(shown.includes(wanted), `${wanted} in ${shown}`);
    for (const hidden of ['Ada', '5550142', 'ada.example', 'hide-this']) assert.ok(!(sent + shown).includes(hidden), hidden);
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(shown));
    assert.equal(await dialog.locator('img').count(), 0);
    await accessible(page, 'an open event');
    await page.keyboard.press('p'); // not a key of the dialog
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'call:start', 'the focus returns to the event');
    assert.equal(await text(page, '.state'), 'receiving');

    await page.locator('.notes tbody tr', { hasText: 'signature mismatch' }).locator('td').first().click();
    await has(page, '#event-state', 'is not kept');
    await has(page, '#event .facts', 'signature mismatch');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('#event').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'signature mismatch', 'the focus moves to the event');

    // The worker no longer keeps an event that the page still shows.
    await page.route('**/console/event?*', (route) => route.continue({ url: `${worker.url}console/event?number=99&at=1` }));
    await page.getByRole('button', { name: 'call:start' }).click();
    await has(page, '#event-state', 'the worker no longer keeps this event');
    await closePage(page, /status of 404/);
    await stop(worker);
  },

  async 'charts tell their values'() {
    const worker = await start(['webhook']);
    const page = await openPage(worker, { hasTouch: true });
    const frame = JSON.parse((await firstFrame(worker)).replace('data: ', ''));
    const { step, length } = frame.whole;
    const now = 1_700_000_000_000;
    const counts = (each) => frame.whole.outcomes.map((outcome) => each[outcome] ?? 0);
    const points = Array.from({ length }, (_, i) => [now - (i + 1) * step, ...counts(i === 0 ? { handled: 40, failed: 2 } : { handled: 20 }), 1.5, 12]);
    const made = { ...frame, now, points, whole: { ...frame.whole, started: 0 } };
    await page.route('**/console/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: `data: ${JSON.stringify(made)}\n\n` }));
    await page.reload();
    const rates = page.getByRole('slider', { name: 'Events a second' });
    const said = (slider) => slider.getAttribute('aria-valuetext');
    const clock = (at) => page.evaluate((at) => new Date(at).toLocaleTimeString('en-GB'), at);
    const newest = `${await clock(now - step)}, 21 events a second, 20 handled, 1 failed`;
    const before = (n) => clock(now - (n + 1) * step).then((time) => `${time}, 10 events a second, 10 handled`);
    await until(page, () => document.querySelector('#rates').getAttribute('aria-valuetext').startsWith('in five minutes'));
    assert.equal(await said(rates), `in five minutes at most 21 at ${await clock(now - step)}, now 21 events a second`);
    assert.equal(await said(page.getByRole('slider', { name: 'Handling time' })), `in five minutes at most 12 ms at ${await clock(now - (length - 1) * step)}, now 95 % within 12 ms, half within 1.5 ms`);

    await rates.focus();
    assert.equal(await said(rates), newest);
    for (const [key, wanted] of [['ArrowLeft', await before(1)], ['PageDown', await before(16)], ['ArrowRight', await before(15)], ['Home', await before(length - 2)], ['ArrowLeft', await before(length - 2)], ['End', newest], ['ArrowUp', newest]]) {
      await page.keyboard.press(key);
      assert.equal(await said(rates), wanted, key);
    }
    assert.equal(await rates.getAttribute('aria-valuenow'), String(length - 2));
    assert.deepEqual(await page.locator('#rates .tip div').allTextContents(), newest.split(', '));
    await accessible(page, 'a chart with the focus');
    await page.keyboard.press('Escape');
    assert.ok(await page.locator('#rates .tip').isHidden());
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'times');
    assert.match(await said(rates), /^in five minutes/);

    const box = await page.locator('#times').boundingBox();
    await page.mouse.move(box.x + 1, box.y + 20);
    assert.deepEqual(await page.locator('#times .tip div').allTextContents(), [await clock(now - (length - 1) * step), 'half within 1.5 ms', '95 % within 12 ms']);
    await page.mouse.move(box.x + box.width - 1, box.y + 20);
    assert.equal(await page.locator('#times .tip div').first().textContent(), await clock(now - step));
    assert.ok(await fits(page));
    await page.mouse.move(0, 0);
    await page.locator('h1').click(); // leaves the chart
    assert.ok(await page.locator('#times .tip').isHidden());
    await page.touchscreen.tap(box.x + 1, box.y + 20);
    assert.equal(await page.locator('#times .tip div').first().textContent(), await clock(now - (length - 1) * step));
    await closePage(page);
    await stop(worker);
  },

  async 'hostile texts are not markup'() {
    const worker = await start(['webhook', '--console-unmasked']);
    const page = await openPage(worker);
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
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(await text(page, 'main')), 'no text changes the writing direction');
    // The content security policy is in force.
    const markup = () => { try { document.body.innerHTML = '<i></i>'; return 'made'; } catch (error) { return error.name; } };
    assert.equal(await page.evaluate(markup), 'TypeError');
    const violation = page.waitForEvent('console', (message) => message.text().startsWith('violates img-src'));
    await page.evaluate(() => { new Image().src = 'http://outside.example.com/'; });
    await violation;
    await closePage(page, /TrustedHTML|violates|Content Security Policy|request of http:\/\/outside.example.com/);
    await stop(worker);
  },

  async 'a thousand calls, a filter, and keys'() {
    const worker = await start(['webhook', '--console-unmasked']);
    const page = await openPage(worker);
    const { output } = await send(worker, '--type', 'call:start', '--count', '1000');
    assert.match(output, /1000 × 204/);
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
    await has(page, '#calls-count', 'matching: 1 of');
    await page.keyboard.press('Escape');
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 1000);
    assert.equal(await page.locator('#filter').inputValue(), '');

    await page.keyboard.press('p');
    await has(page, '.state', 'display paused');
    assert.match(await page.locator('.controls').ariaSnapshot(), /button "Resume"$/m);
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
    assert.equal(ring, 'solid', 'the focus is visible');
    await page.keyboard.press('End');
    await until(page, () => document.querySelector('#calls').scrollTop > 0);
    await closePage(page);
    await stop(worker);
  },

  async 'an address that is not loopback requires the token'() {
    const token = 'ein längeres Wort, 5 €';
    const { code, output } = await run(['webhook', '--admin-addr', '0.0.0.0:0']);
    assert.equal(code, 2, output);
    assert.match(output, /0\.0\.0\.0:0 is not a loopback address: set WILDIX_ADMIN_TOKEN/);
    const worker = await start(['webhook', '--admin-addr', '0.0.0.0:0'], { WILDIX_ADMIN_TOKEN: token });
    const page = await openPage(worker);
    await has(page, '.state', 'a token is required');
    await until(page, () => document.activeElement.id === 'token');
    await page.keyboard.type('another');
    await page.keyboard.press('Enter');
    await has(page, '.state', 'does not accept this token');
    await accessible(page, 'token');
    await page.locator('#pause').click();
    await has(page, '.state', 'display paused');
    await page.locator('#token').focus();
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await has(page, '.state', 'receiving');
    assert.ok(!await page.locator('#token-form').isVisible());
    assert.equal(await text(page, '#pause'), 'Pause', 'a token resumes the stream');
    await page.reload();
    await has(page, '.state', 'receiving'); // the tab still has the token
    assert.ok(!page.url().includes('token'));
    await closePage(page, /console: Failed to load resource: the server responded with a status of 401/);
    await stop(worker);
  },

  async 'a lost connection is shown and restored'() {
    const worker = await start(['webhook']);
    const page = await openPage(worker);
    await has(page, '.state', 'receiving');
    await post(worker, 'call:start', 'first', { status: 'RINGING' });
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 1);
    await stop(worker);
    await has(page, '.state', 'connection lost');
    assert.ok(await page.locator('.board.stale').count(), 'old data is marked as stale');
    await has(page, '.state', 'again in 2 s');
    const spoken = await text(page, '#spoken-state');
    assert.match(spoken, /^connection lost, trying again in a while: /);
    await page.evaluate(() => {
      window.changes = 0;
      new MutationObserver(() => window.changes++).observe(document.querySelector('#spoken-state'), { childList: true, characterData: true, subtree: true });
    });
    await has(page, '.state', 'again in 4 s');
    assert.equal(await page.evaluate(() => window.changes), 0, 'the spoken state does not change with the delay');
    const again = await start(['webhook'], { WILDIX_ADMIN_ADDR: new URL(worker.url).host });
    await has(page, '.state', 'receiving');
    await until(page, () => document.querySelectorAll('.calls tbody tr').length === 0);
    await closePage(page, /console: Failed to load resource: net::ERR_/);
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
    const context = await browser.newContext({ bypassCSP: true }); // a page of another site has another policy
    const page = await context.newPage();
    const answer = await page.goto(`http://rebound.example.com:${port}/`); // resolves to 127.0.0.1 in this browser
    assert.equal(answer.status(), 421);
    // A page of another site can't read the stream.
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
    while (!demo.lines.some((line) => line.includes('wildix-worker send'))) await once(demo.child.stdout, 'data');
    const env = Object.fromEntries(['WILDIX_QUEUE_URL', 'WILDIX_SECRET', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((name) => {
      const line = demo.lines.find((line) => line.includes(`${name}=`)) ?? '';
      return [name, line.match(`${name}=(\\S+)`)?.[1]];
    }));
    await longCalls(env);
    for (const [name, options] of Object.entries({
      light: { colorScheme: 'light' },
      dark: { colorScheme: 'dark' },
      phone: { colorScheme: 'light', ...phone },
      'phone-dark': { colorScheme: 'dark', reducedMotion: 'reduce', ...phone },
    })) {
      const page = await openPage(demo, options);
      await has(page, '.notes tbody tr', 'rejected');
      await until(page, () => document.querySelectorAll('.calls tbody tr').length > 8 && document.querySelector('#p95').textContent !== '–');
      if (name === 'light') { // fill the plots
        await until(page, () => Number(document.querySelector('#outcomes .handled b').textContent.replace(',', '')) > 700, undefined, { timeout: 4 * timeout });
      }
      for (const width of name.startsWith('phone') ? [360, 390] : [700, 1280]) {
        await page.setViewportSize({ ...page.viewportSize(), width });
        await until(page, (first) => (document.querySelector('#calls').getBoundingClientRect().y < document.querySelector('#rates').getBoundingClientRect().y) === first, width < 960); // on a phone, calls come before charts
        assert.ok(await fits(page), `${name}: no scrolling sideways at ${width}`);
      }
      await until(page, () => [...document.querySelectorAll('.notes tbody tr')].slice(1, 6).some((row) => row.textContent.includes('rejected')));
      await page.screenshot({ path: join(PICTURES, `console-${name}.png`) });
      await page.screenshot({ path: join(PICTURES, `console-${name}-all.png`), fullPage: true });
      await page.locator('#times').focus();
      for (let i = 0; i < 9; i++) await page.keyboard.press('ArrowLeft');
      await page.screenshot({ path: join(PICTURES, `chart-${name}.png`) });
      await accessible(page, name);
      await page.locator('.notes .open', { hasText: 'call:update' }).first().click();
      await has(page, '#event-state', 'bytes');
      assert.ok(await fits(page), `${name}: an open event does not scroll sideways`);
      await page.screenshot({ path: join(PICTURES, `event-${name}.png`) });
      await accessible(page, `${name}, an open event`);
      await closePage(page);
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
      const { code, output } = await run(['send', '--file', event(type, `example_long.${i}`, data, when)], env);
      assert.equal(code, 0, output);
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
for (const [name, check] of Object.entries(checks)) {
  if (!name.includes(only)) continue;
  try {
    await check();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}\n${error.stack}`);
  }
}
await browser.close();
for (const child of started) child.kill('SIGKILL');
console.log(failed ? `console: ${failed} of ${Object.keys(checks).length} checks failed` : `console: all checks passed in Chromium ${browser.version()}`);
process.exit(failed ? 1 : 0);
