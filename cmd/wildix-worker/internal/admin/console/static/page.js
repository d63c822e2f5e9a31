// The page. It collects the data of the frames, and draws it.
import { follow, keepToken } from './stream.js';
import { Rows, callRow, destinationRow, duration, element, noteRow, setClass, setText, textOf } from './rows.js';
import { drawCharts, stack } from './charts.js';
import { openEvent } from './event.js';
import { addMissed, drawMissed, resetMissed } from './missed.js';
import { drawDeadLetters, resetDeadLetters } from './deadletters.js';

const $ = (selector) => document.querySelector(selector);
const initialRows = 100; // rows of calls that are shown until "show all" is clicked

const calls = new Map();
const notes = new Map();
const points = new Map(); // by time
let frame, whole, clockAhead = 0; // the worker's clock minus ours, in milliseconds
let stream, paused = false, connected = false, showAll = false, drawScheduled = false;
let callRows, noteRows, destinationRows;
const count = (n) => n.toLocaleString('en');

function addFrame(next) {
  if (next.whole) reset(next.whole);
  frame = next;
  clockAhead = frame.now - Date.now();
  for (const number of frame.calls.gone ?? []) calls.delete(number);
  for (const call of frame.calls.set ?? []) {
    call.text = textOf(call);
    calls.set(call.number, call);
  }
  for (const note of frame.notes) {
    note.text = textOf(note, whole.outcomes[note.outcome]);
    note.trouble = !['handled', 'ignored', 'duplicate'].includes(whole.outcomes[note.outcome]);
    notes.set(note.number, note);
  }
  if (frame.missed) addMissed(frame.missed);
  for (const trouble of [true, false]) trim(trouble);
  for (const point of frame.points) points.set(point[0], point);
  const from = frame.now - whole.step * (whole.length + 1);
  for (const at of points.keys()) if (at < from) points.delete(at);
  scheduleDraw();
}

// reset discards all data, which may be that of a previous worker.
function reset(nextWhole) {
  whole = nextWhole;
  for (const data of [calls, notes, points]) data.clear();
  callRows ??= new Rows($('.calls tbody'), callRow);
  destinationRows ??= new Rows($('.destinations tbody'), destinationRow);
  noteRows?.show([]);
  noteRows = new Rows($('.notes tbody'), () => noteRow(whole.outcomes, openEvent));
  resetMissed(whole);
  resetDeadLetters(whole);
  $('.board').classList.toggle('no-queue', !whole.queue);
  $('#outcomes').replaceChildren(...stack.map((name) => element('li', name, `${name} `, element('b'))));
  setText($('#version'), `version ${whole.version}, since ${new Date(whole.started).toLocaleString('en-GB')}`);
  setText($('#masked'), whole.masked ? 'Names, numbers and emails are masked by the worker.' : 'Names, numbers and emails are not masked.');
}

// trim deletes the oldest notes of the successful messages, or of the others.
function trim(trouble) {
  const sorted = [...notes.values()].filter((note) => note.trouble === trouble).sort((a, b) => b.number - a.number);
  for (const note of sorted.slice(whole.notes)) notes.delete(note.number);
}

function scheduleDraw() {
  if (drawScheduled) return;
  drawScheduled = true;
  requestAnimationFrame(() => {
    drawScheduled = false;
    if (frame) draw();
  });
}

function draw() {
  const query = $('#filter').value.trim().toLowerCase();
  const matches = (item) => item.text.includes(query);
  drawCalls(matches, query);
  const listed = [...notes.values()].filter((note) => matches(note) && (note.trouble || !$('#trouble').checked));
  listed.sort((a, b) => b.number - a.number);
  noteRows.show(listed.slice(0, whole.notes));
  const empty = $('.notes').nextElementSibling;
  empty.hidden = listed.length > 0;
  setText(empty, notes.size > 0 ? 'No events match.' : 'No events yet.');
  drawCharts(frame, whole, points);
  drawTiles();
  drawDestinations();
  drawMissed(matches);
  drawDeadLetters(frame.redrive);
  drawWork();
  tick();
}

function drawCalls(matches, query) {
  const { total, full } = frame.calls;
  const matching = [...calls.values()].filter(matches).sort((a, b) => b.start - a.start || b.number - a.number);
  callRows.show(showAll ? matching : matching.slice(0, initialRows));
  const newest = total > calls.size ? `the newest ${count(calls.size)} of ` : '';
  const of = `${newest}${count(total)}`;
  setText($('#calls-count'), query ? `matching: ${count(matching.length)} of ${of}` : `${of}${full ? ' or more' : ''}`);
  const empty = $('#calls .empty');
  empty.hidden = matching.length > 0;
  setText(empty, calls.size > 0 ? 'No calls match.' : 'No calls at the moment.');
  $('.more').hidden = matching.length <= initialRows;
  setText($('.more button'), showAll ? `Show only the newest ${initialRows}` : `and ${count(matching.length - initialRows)} more: show all`);
}

function drawTiles() {
  setText($('#live'), count(frame.calls.total) + (frame.calls.full ? '+' : ''));
  for (const item of $('#outcomes').children) {
    const total = frame.totals[whole.outcomes.indexOf(item.className)];
    setText(item.lastChild, count(total));
    item.hidden = total === 0 && item.className !== 'handled';
  }
  if (!frame.work) return;
  setText($('#in-hand'), count(frame.work.inHand));
  const countOrDash = (messages) => (messages === undefined ? '–' : count(messages));
  setText($('#depth'), countOrDash(depth('main')));
  setText($('#dead'), countOrDash(depth('dead_letter')));
  setClass($('#dead').parentElement, depth('dead_letter') > 0 ? 'queue bad' : 'queue');
}

// depth returns how many messages a queue holds, or undefined if that is not known.
function depth(queue) {
  const depths = (frame.depths ?? []).filter((d) => d.queue === queue);
  return depths.length > 0 ? depths.reduce((sum, d) => sum + d.messages, 0) : undefined;
}

function drawDestinations() {
  const list = frame.destinations ?? [];
  $('#destinations').hidden = list.length === 0;
  destinationRows.show(list.map((destination) => ({ ...destination, number: destination.name })));
}

function drawWork() {
  const { work } = frame;
  const facts = [];
  if (work) {
    facts.push(['In hand', work.inHand], ['Held', work.held], ['Handlers overdue', work.overdue], ['Polls in progress', work.polls], ['Deleted', work.deleted], ['Returned', work.returned],
      ['Left', work.left], ['Quarantined', work.quarantined], ['Leases extended', work.leasesExtended], ['Leases lost', work.leasesLost],
      ['Deletes retried', work.deletesFailed], ['Requests to SQS', work.requests], ['Requests failed', work.requestsFailed]);
    facts.push(['SQS answered', work.answered ? `${duration(frame.now - work.answered)} ago` : 'not yet']);
  }
  facts.push(['Uptime', duration(frame.now - whole.started)]);
  const list = $('#work');
  if (list.children.length !== facts.length) {
    list.replaceChildren(...facts.map(([name]) => element('div', '', element('dt', '', name), element('dd'))));
  }
  facts.forEach(([, value], i) => setText(list.children[i].lastChild, typeof value === 'number' ? count(value) : value));
}

// tick updates the durations of calls and outages.
function tick() {
  if (paused || !connected || !callRows) return;
  const now = Date.now() + clockAhead;
  for (const row of [...callRows.rows.values(), ...destinationRows.rows.values()]) row.tick(now);
}

// showConnection shows the state of the connection; see follow.
function showConnection(state, reason, delay) {
  connected = state === 'open';
  $('.board').classList.toggle('stale', !connected);
  $('.board').hidden = state === 'token';
  $('#token-form').hidden = state !== 'token';
  switch (state) {
    case 'lost':
      setState(`connection lost, trying again in ${Math.round(delay / 1000)} s: ${reason}`, 'bad');
      break;
    case 'token':
      setState(reason || 'a token is required');
      $('#token').focus();
      break;
    default:
      showState();
  }
}

function showState() {
  if (paused) setState('display paused');
  else if (!connected) setState('connecting');
  else if (frame) setState(frame.state, frame.trouble ? 'bad' : 'good');
}

// setState shows a state. The text for screen readers has no durations, so that it is not
// read out every second.
function setState(text, className = '') {
  setText($('#state'), text);
  setClass($('#state'), `state ${className}`.trim());
  setText($('#spoken-state'), text.replace(/\b\d[\dhm.]* ?s\b/g, 'a while'));
}

// setPaused stops or resumes drawing and the stream.
function setPaused(value) {
  paused = value;
  setClass($('#pause'), paused ? 'on' : ''); // no aria-pressed, since the label changes
  setText($('#pause'), paused ? 'Resume' : 'Pause');
  stream.abort();
  if (!paused) watch();
  showState();
}

function watch() {
  connected = false;
  stream = new AbortController();
  follow((next) => { addFrame(next); showState(); }, showConnection, stream.signal);
}

$('#pause').addEventListener('click', () => setPaused(!paused));
$('#redrive-start').addEventListener('click', () => {
  if (paused) setPaused(false); // the stream tells how it ends
});
$('#filter').addEventListener('input', scheduleDraw);
$('#trouble').addEventListener('change', scheduleDraw);
$('.more button').addEventListener('click', () => {
  showAll = !showAll;
  scheduleDraw();
});
$('#token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  keepToken($('#token').value);
  $('#token').value = '';
  setPaused(false);
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const filter = $('#filter');
  if (event.key === 'Escape' && document.activeElement === filter) {
    filter.value = '';
    filter.blur();
    scheduleDraw();
    return;
  }
  if (event.target.matches('input:not([type=checkbox])') || document.querySelector('dialog[open]')) return;
  if (event.key === '/') {
    event.preventDefault();
    filter.focus();
  } else if (event.key === 'p') {
    setPaused(!paused);
  }
});
// Where there is room for one column only, the calls come before the charts. The elements are
// moved, so that the focus moves in the order that is seen.
const oneColumn = matchMedia('(max-width: 60rem)');
const order = () => {
  const focused = document.activeElement;
  $('.lists')[oneColumn.matches ? 'after' : 'before']($('#charts'));
  focused?.focus(); // moving takes it away
};
oneColumn.addEventListener('change', order);
order();
setInterval(tick, 1000);
watch();
