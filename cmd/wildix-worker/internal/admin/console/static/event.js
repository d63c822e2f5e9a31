// An event of the list, opened in a dialog. Its data is only set as text.
import { element, milliseconds, setClass, setText } from './rows.js';
import { get } from './stream.js';

const $ = (selector) => document.querySelector(selector);
const dialog = $('#event');
let opened = 0; // how often an event was opened

// openEvent shows the event of a note whose outcome has that name.
export async function openEvent(note, outcome) {
  const request = ++opened;
  const show = (facts, body, state) => {
    if (request !== opened || !dialog.open) return;
    $('#event .facts').replaceChildren(...facts.map(([name, value, className]) => element('div', className, element('dt', '', name), element('dd', '', value))));
    setText($('#event pre'), body);
    $('#event pre').hidden = body === '';
    setText($('#event-state'), state);
  };
  setText($('#event-title'), note.type || 'Message without an event');
  setText($('#event-outcome'), outcome);
  setClass($('#event-outcome'), `outcome ${outcome}`);
  if (!dialog.open) dialog.showModal();
  show([], '', 'loading');
  try {
    const event = await get(`console/event?number=${note.number}&at=${note.at}`);
    show(factsOf(note, event), event.body, stateOf(event));
    if (event.type) setText($('#event-title'), event.type);
  } catch (error) {
    show([], '', error.message);
  }
}

const time = (at) => (at ? new Date(at).toLocaleString('en-GB') : '');

function factsOf(note, event) {
  return [
    ['Event', event.id, 'wide'], ['Happened', time(event.happened)], ['Company', event.company], ['PBX', event.pbx], ['Integration', event.integration],
    ['Message', event.message, 'wide'], ['Sent to the queue', time(event.sent)], ['Receive count', note.receive ? String(note.receive) : ''],
    ['Done', time(note.at)], ['Took', milliseconds(note.took)], ['Error', event.reason, 'wide'],
  ].filter(([, value]) => value);
}

function stateOf({ size, kept }) {
  const count = (n) => n.toLocaleString('en');
  if (size === 0) return 'The body of a message that is rejected or malformed is not kept.';
  return kept < size ? `The first ${count(kept)} of ${count(size)} bytes.` : `${count(size)} bytes.`;
}

$('#event-close').addEventListener('click', () => dialog.close());
dialog.addEventListener('close', () => {
  opened++;
  // The browser returns the focus to the event, if that is still in the list.
  if (document.activeElement === document.body) $('#notes').focus();
});
