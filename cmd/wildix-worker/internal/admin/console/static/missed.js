// The missed calls of today, which the worker reads about once a minute.
import { Rows, duration, element, party, setText, textOf } from './rows.js';

const $ = (selector) => document.querySelector(selector);
const minute = (at) => new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
let rows;
let latest; // as the worker has read them

// resetMissed discards what is shown, which may be of a previous worker.
export function resetMissed(whole) {
  $('#missed').hidden = !whole.missed;
  rows ??= new Rows($('.missed tbody'), missedRow);
  latest = undefined;
}

export function addMissed(list) {
  latest = { ...list, calls: list.calls.map((call, i) => ({ ...call, number: `${call.start} ${i}`, text: textOf({ ...call, callee: {} }) })) };
}

// drawMissed shows those that match the filter.
export function drawMissed(matches) {
  if (!latest) return;
  const { calls, reason, full, at } = latest;
  const matching = calls.filter(matches);
  rows.show(matching);
  $('.missed').hidden = matching.length === 0;
  const count = full ? `the latest ${calls.length}` : `${calls.length}`;
  setText($('#missed-count'), reason ? '' : `${count}, read at ${minute(at)}`);
  const empty = $('#missed .empty');
  empty.hidden = matching.length > 0;
  setText(empty, reason ? `They can't be read: ${reason}` : calls.length > 0 ? 'No missed calls match.' : 'No missed calls today.');
}

// missedRow returns a new row for a missed call.
function missedRow() {
  const at = element('td', 'at');
  const [name, number] = [element('div', 'who'), element('div', 'second')];
  const [queue, waited] = [element('td'), element('td', 'end')];
  const caller = element('th', '', name, number);
  caller.scope = 'row';
  return {
    element: element('tr', '', at, caller, queue, waited),
    update(call) {
      const [first, second] = party(call.caller);
      setText(at, minute(call.start));
      setText(name, first);
      setText(number, second);
      setText(queue, call.queue);
      setText(waited, duration(call.waited));
    },
  };
}
