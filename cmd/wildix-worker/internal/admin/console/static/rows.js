// Tables that change in place. Data of events is only set as text, never as markup.

// element creates an element with a class and children.
export function element(name, className = '', ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

// setText changes a text only if it is different.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

// Rows keeps a row for each item of a list, by its number.
export class Rows {
  // make creates a row: its element, and update(item).
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

// party shows a name, and the number below it.
export function party({ name, number }) {
  return name ? [name, number] : [number || 'unknown', ''];
}

// callRow creates a row of a call.
export function callRow() {
  const [from, fromNumber, to, toNumber, status, way] = Array.from({ length: 6 }, () => element('div'));
  for (const first of [from, to]) first.className = 'who';
  for (const second of [fromNumber, toNumber, way]) second.className = 'second';
  status.className = 'status';
  const word = element('span');
  status.append(element('span', 'dot'), word);
  const length = element('td', 'end');
  const caller = element('th', '', from, fromNumber);
  caller.scope = 'row';
  const row = element('tr', '', caller, element('td', '', to, toNumber), element('td', '', status, way), length);
  return {
    element: row,
    update(call) {
      const [name, number] = party(call.caller);
      const [calleeName, calleeNumber] = party(call.callee);
      setText(from, name);
      setText(fromNumber, number);
      setText(to, calleeName);
      setText(toNumber, [calleeNumber, call.queue && `queue ${call.queue}`].filter(Boolean).join(' · '));
      setText(word, statusWord(call.status));
      setText(way, call.direction);
      setClass(row, { TALKING: 'talking', RINGING: 'ringing' }[call.status.toUpperCase()] ?? '');
    },
    // tick updates the duration of the call.
    tick(now) {
      setText(length, duration(now - this.item.start));
    },
  };
}

function statusWord(status) {
  return status ? status[0].toUpperCase() + status.slice(1).toLowerCase() : 'Unknown';
}

export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

// noteRow creates a row of an event; outcomes are the names by number.
export function noteRow(outcomes) {
  const at = element('td');
  const outcome = element('span');
  const [type, who, why] = Array.from({ length: 3 }, () => element('div'));
  who.className = 'second';
  const took = element('td', 'end took');
  const row = element('tr', '', at, element('td', '', outcome), element('td', '', type, who, why), took);
  return {
    element: row,
    update(note) {
      const word = outcomes[note.outcome];
      setText(at, new Date(note.at).toLocaleTimeString('en-GB'));
      setText(outcome, word);
      setClass(outcome, `outcome ${word}`);
      setText(type, note.type || 'no event');
      type.hidden = !note.type && Boolean(note.why);
      setText(who, between(note));
      setText(why, note.why + (note.why && note.receive > 1 ? ` (receive ${note.receive})` : ''));
      setClass(why, `why ${word}`);
      setText(took, milliseconds(note.took));
      row.title = note.id;
    },
  };
}

function between({ caller, callee }) {
  const sides = [caller, callee].filter((side) => side.name || side.number);
  return sides.map((side) => side.name || side.number).join(' → ');
}

export function milliseconds(n) {
  if (n >= 10000) return `${Math.round(n / 1000)} s`;
  if (n >= 1000) return `${(n / 1000).toFixed(1)} s`;
  if (n >= 10) return `${Math.round(n)} ms`;
  if (n < 0.01) return n > 0 ? '<0.01 ms' : '0 ms';
  return `${n.toFixed(n >= 1 ? 1 : 2)} ms`;
}

// textOf returns the text that the filter searches.
export function textOf(item, ...more) {
  const { caller, callee } = item;
  return [caller.name, caller.number, callee.name, callee.number, item.status, item.direction, item.queue, item.type, item.id, item.why, ...more]
    .filter(Boolean).join('\n').toLowerCase();
}
