// The charts: the rate of events and how long they take.
import { Cursor } from './cursor.js';
import { Plot } from './plot.js';
import { milliseconds, setText, short } from './rows.js';

const $ = (selector) => document.querySelector(selector);
// The outcomes in the order in which they are stacked, frequent ones at the bottom.
export const stack = ['handled', 'ignored', 'duplicate', 'malformed', 'rejected', 'failed'];
const rates = new Plot($('#rates'), 'area', stack);
const times = new Plot($('#times'), 'line', ['p50', 'p95']);
const ratesCursor = new Cursor($('#rates'));
const timesCursor = new Cursor($('#times'));

// drawCharts leaves out the current step, which is not complete.
export function drawCharts(frame, whole, points) {
  const last = Math.floor(frame.now / whole.step) * whole.step - whole.step;
  const at = Array.from({ length: whole.length - 1 }, (_, i) => last - (whole.length - 2 - i) * whole.step);
  const list = at.map((time) => points.get(time));
  const column = (outcome) => 1 + whole.outcomes.indexOf(outcome);
  const series = stack.map((outcome) => list.map((point) => (point ? (1000 * point[column(outcome)]) / whole.step : 0)));
  const sums = list.map((_, i) => series.reduce((sum, values) => sum + values[i], 0));
  const quantile = (index) => list.map((point, i) => (sums[i] > 0 ? point[1 + whole.outcomes.length + index] : NaN));
  drawRates(at, series, sums);
  drawTimes(at, quantile(0), quantile(1));
  // The rate of the last ten seconds or, if the worker started later, since then.
  const steps = Math.min(5, Math.floor((last + whole.step - whole.started) / whole.step));
  setText($('#rate'), steps < 1 ? '–' : short(sums.slice(-steps).reduce((sum, n) => sum + n, 0) / steps));
}

function drawRates(at, series, sums) {
  rates.draw(series, (n) => `${short(n)}/s`);
  const tell = (i) => [
    `${short(sums[i])} events a second`,
    ...stack.flatMap((outcome, n) => (series[n][i] > 0 ? `${short(series[n][i])} ${outcome}` : [])),
  ];
  ratesCursor.show(at, tell, `${most(at, sums, short)}, now ${short(sums.at(-1))} events a second`);
}

function drawTimes(at, p50, p95) {
  times.draw([p50, p95], milliseconds);
  const latest = (values) => {
    const value = values.slice(-5).findLast((value) => !Number.isNaN(value));
    return value === undefined ? '–' : milliseconds(value);
  };
  for (const selector of ['#p95', '#p95-now']) setText($(selector), latest(p95));
  setText($('#p50-now'), latest(p50));
  const tell = (i) => (Number.isNaN(p50[i]) ? ['no events'] : [`half within ${milliseconds(p50[i])}`, `95 % within ${milliseconds(p95[i])}`]);
  const now = latest(p95) === '–' ? 'now no events' : `now 95 % within ${latest(p95)}, half within ${latest(p50)}`;
  timesCursor.show(at, tell, `${most(at, p95, milliseconds)}, ${now}`);
}

// most tells the greatest of the values.
function most(at, values, format) {
  const known = values.map((value) => value || 0);
  const greatest = Math.max(...known);
  const when = greatest > 0 ? ` at ${new Date(at[known.indexOf(greatest)]).toLocaleTimeString('en-GB')}` : '';
  return `in five minutes at most ${format(greatest)}${when}`;
}
