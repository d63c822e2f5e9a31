// Tables that are updated in place. Data of events is only set as text, never as markup.

// element creates an element with a class and children.
export function element(name, className = '', ...content) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...content);
  return node;
}

// setText sets the text of a node if it is different.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

// Rows keeps a table row for each item of a list, by the item's number.
export class Rows {
  // make returns a new row: an object with its element and update(item).
  constructor(body, make) {
    this.body = body;
    this.make = make;
    this.rows = new Map();
  }

  show(items) {
    const before = this.rows;
    this.rows = new Map();
    for (const item of items) {
      const row = before.get(item.number) ?? this.make();
      before.delete(item.number);
      this.rows.set(item.number, row);
      if (row.item !== item) {
        row.item = item;
        row.update(item);
      }
    }
    for (const row of before.values()) row.element.remove();
    let at = this.body.firstChild;
    for (const row of this.rows.values()) {
      if (row.element === at) at = at.nextSibling;
      else this.body.insertBefore(row.element, at);
    }
  }
}

// party returns the two lines that show a party: its name and number, or its number only.
export function party({ name, number }) {
  return name ? [name, number] : [number || 'unknown', ''];
}

// callRow returns a new row for a call.
export function callRow() {
  const [from, fromNumber, to, toNumber, status, direction] = Array.from({ length: 6 }, () => element('div'));
  for (const first of [from, to]) first.className = 'who';
  for (const second of [fromNumber, toNumber, direction]) second.className = 'second';
  status.className = 'status';
  const statusText = element('span');
  status.append(element('span', 'dot'), statusText);
  const age = element('td', 'end');
  const caller = element('th', '', from, fromNumber);
  caller.scope = 'row';
  const row = element('tr', '', caller, element('td', '', to, toNumber), element('td', '', status, direction), age);
  return {
    element: row,
    update(call) {
      const [name, number] = party(call.caller);
      const [calleeName, calleeNumber] = party(call.callee);
      setText(from, name);
      setText(fromNumber, number);
      setText(to, calleeName);
      setText(toNumber, [calleeNumber, call.queue && `queue ${call.queue}`].filter(Boolean).join(' · '));
      setText(statusText, capitalized(call.status));
      setText(direction, call.direction);
      setClass(row, { TALKING: 'talking', RINGING: 'ringing' }[call.status.toUpperCase()] ?? '');
    },
    // tick updates the duration of the call.
    tick(now) {
      setText(age, duration(now - this.item.start));
    },
  };
}

function capitalized(status) {
  return status ? status[0].toUpperCase() + status.slice(1).toLowerCase() : 'Unknown';
}

export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const twoDigits = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${twoDigits(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

// noteRow returns a new row for an event. outcomes are the names of outcomes by their number.
// open is called with the event and the name of its outcome to show more of it.
export function noteRow(outcomes, open) {
  const at = element('td');
  const outcome = element('span');
  const title = element('button');
  title.type = 'button';
  title.setAttribute('aria-haspopup', 'dialog');
  const [parties, reason] = [element('div', 'second'), element('div')];
  const took = element('td', 'end took');
  const row = element('tr', '', at, element('td', '', outcome), element('td', '', title, parties, reason), took);
  const result = {
    element: row,
    update(note) {
      const name = outcomes[note.outcome];
      const why = note.reason + (note.reason && note.receive > 1 ? ` (receive ${note.receive})` : '');
      setText(at, new Date(note.at).toLocaleTimeString('en-GB'));
      setText(outcome, name);
      setClass(outcome, `outcome ${name}`);
      setText(title, note.type || why || 'no event');
      setClass(title, note.type ? 'open' : `open reason ${name}`);
      setText(parties, partiesOf(note));
      setText(reason, note.type ? why : '');
      setClass(reason, `reason ${name}`);
      setText(took, milliseconds(note.took));
      row.title = note.id;
    },
  };
  row.addEventListener('click', () => {
    if (!document.getSelection().isCollapsed) return; // text is being selected
    title.focus(); // where the focus returns to
    open(result.item, outcomes[result.item.outcome]);
  });
  return result;
}

// destinationRow creates a row of a destination. It has roles, since it is no table row on a
// phone.
export function destinationRow() {
  const name = element('th', 'who');
  name.scope = 'row';
  const [state, error, errorAt] = Array.from({ length: 3 }, () => element('div'));
  errorAt.className = 'second';
  const [held, rate, handled] = [element('td', 'end'), element('td', 'end'), element('td', 'end took')];
  const row = element('tr', '', name, element('td', '', state), held, rate, handled, element('td', '', error, errorAt));
  row.role = 'row';
  for (const cell of row.cells) cell.role = cell === name ? 'rowheader' : 'cell';
  return {
    element: row,
    update(destination) {
      const up = destination.state === 'up';
      setText(name, destination.name);
      setText(state, destination.state);
      setText(held, destination.held.toLocaleString('en'));
      setText(rate, destination.rate < 0 ? '–' : short(destination.rate));
      setText(handled, destination.handled.toLocaleString('en'));
      setText(error, destination.reason);
      setClass(error, up ? '' : 'why failed');
      setText(errorAt, destination.failedAt ? `at ${new Date(destination.failedAt).toLocaleTimeString('en-GB')}` : '');
      setClass(state, up ? '' : 'why rejected');
    },
    // tick updates how long the destination has been down.
    tick(now) {
      const { state: word, since } = this.item;
      setText(state, ['up', 'failing'].includes(word) ? word : `${word} for ${duration(now - since)}`);
    },
  };
}

function partiesOf({ caller, callee }) {
  const sides = [caller, callee].filter((side) => side.name || side.number);
  return sides.map((side) => side.name || side.number).join(' → ');
}

// short returns a number with at most one decimal.
export function short(n) {
  return n >= 100 ? Math.round(n).toLocaleString('en') : String(Number(n.toFixed(1)));
}

export function milliseconds(n) {
  if (n >= 10000) return `${Math.round(n / 1000)} s`;
  if (n >= 1000) return `${(n / 1000).toFixed(1)} s`;
  if (n >= 10) return `${Math.round(n)} ms`;
  if (n < 0.01) return n > 0 ? '<0.01 ms' : '0 ms';
  return `${n.toFixed(n >= 1 ? 1 : 2)} ms`;
}

// textOf returns the text of an item that the filter searches, in lower case.
export function textOf(item, ...more) {
  const { caller, callee } = item;
  return [caller.name, caller.number, callee.name, callee.number, item.status, item.direction, item.queue, item.type, item.id, item.reason, ...more]
    .filter(Boolean).join('\n').toLowerCase();
}
