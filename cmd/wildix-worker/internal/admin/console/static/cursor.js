// The cursor of a chart: it tells the values at a time, to those who point at it, to those who
// move it with the arrow keys, and to those who listen.
import { element, setText } from './rows.js';

const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -15, PageUp: 15, Home: -Infinity, End: Infinity };

// A Cursor moves over a chart, which is a slider for screen readers.
export class Cursor {
  constructor(chart) {
    this.chart = chart;
    this.line = element('div', 'cursor');
    this.tip = element('div', 'tip');
    this.times = [];
    this.at = null; // the time that was chosen by key, click or touch. It moves with the data.
    this.under = null; // where the mouse is: from 0 at the left to 1
    this.dismissed = false;
    chart.append(this.line, this.tip);
    const on = (types, handle) => types.split(' ').forEach((type) => chart.addEventListener(type, (event) => {
      handle(event);
      this.draw();
    }));
    on('pointerdown pointermove', (event) => this.point(event));
    on('pointerleave', () => { this.under = null; });
    on('focus', () => { this.at ??= this.times.at(-1) ?? null; });
    on('blur', () => { this.at = null; });
    on('keydown', (event) => this.press(event));
    this.draw();
  }

  // show sets the times of the chart's points, the oldest first, what there is to tell of each,
  // as a list of texts, and a summary of all.
  show(times, tell, summary) {
    Object.assign(this, { times, tell, summary });
    this.draw();
  }

  point(event) {
    const { left, width } = this.chart.getBoundingClientRect();
    const under = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.dismissed = false;
    if (event.pointerType === 'mouse') this.under = under;
    if (event.pointerType !== 'mouse' || event.type === 'pointerdown') this.at = this.times[this.indexOf(under)] ?? null;
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') this.dismissed = true;
    const move = moves[event.key];
    if (move === undefined || this.times.length === 0) return;
    event.preventDefault();
    this.dismissed = false;
    this.under = null;
    const last = this.times.length - 1;
    this.at = this.times[Math.min(last, Math.max(0, this.index(last) + move))];
  }

  indexOf(part) {
    return Math.round(part * (this.times.length - 1));
  }

  // index returns where the cursor is, or otherwise if it is nowhere.
  index(otherwise) {
    if (this.times.length === 0) return otherwise;
    if (this.under !== null) return this.indexOf(this.under);
    if (this.at === null) return otherwise;
    const i = this.times.findIndex((time) => time >= this.at);
    return i < 0 ? this.times.length - 1 : i;
  }

  draw() {
    const { chart, line, tip, times } = this;
    const last = Math.max(0, times.length - 1);
    const i = this.index(-1);
    const texts = i < 0 ? [] : [new Date(times[i]).toLocaleTimeString('en-GB'), ...this.tell(i)];
    chart.setAttribute('aria-valuemin', 0);
    chart.setAttribute('aria-valuemax', last);
    chart.setAttribute('aria-valuenow', i < 0 ? last : i);
    chart.setAttribute('aria-valuetext', i < 0 ? this.summary ?? 'no data yet' : texts.join(', '));
    line.hidden = tip.hidden = i < 0 || this.dismissed;
    if (line.hidden) return;
    const part = i / Math.max(1, last);
    line.style.left = `${100 * part}%`;
    tip.style.left = part < 0.5 ? `${100 * part}%` : 'auto';
    tip.style.right = part < 0.5 ? 'auto' : `${100 * (1 - part)}%`;
    if (tip.children.length !== texts.length) tip.replaceChildren(...texts.map(() => element('div')));
    texts.forEach((text, n) => setText(tip.children[n], text));
  }
}
