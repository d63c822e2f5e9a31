// Small SVG plots of the last minutes, which fill their element.
import { element } from './rows.js';

const width = 600;
const height = 100;

// A Plot draws series over time, as stacked areas or as lines: kind is area or line. classes
// are the CSS classes of the series.
export class Plot {
  constructor(chart, kind, classes) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    this.top = element('span', 'top');
    this.kind = kind;
    this.paths = classes.map((name) => {
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      path.setAttribute('class', `${kind} ${name}`);
      return path;
    });
    svg.append(...this.paths);
    chart.append(svg, this.top);
  }

  // draw draws the values of each series, the oldest first. NaN is a gap in a line. format
  // returns the text of a value.
  draw(series, format) {
    const stacked = this.kind === 'area';
    const sums = series[0].map((_, i) => (stacked ? series.reduce((sum, s) => sum + s[i], 0) : Math.max(...series.map((s) => s[i] || 0))));
    const top = roundUp(Math.max(...sums));
    this.top.textContent = format(top);
    const x = (i) => (width * i) / (series[0].length - 1);
    const y = (value) => height * (1 - value / top);
    const base = series[0].map(() => 0);
    this.paths.forEach((path, n) => {
      path.setAttribute('d', stacked ? band(series[n], base, x, y) : line(series[n], x, y));
    });
  }
}

// roundUp rounds up to 1, 2, 5, 10 and so on.
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((n) => n * power >= value) * power;
}

// band returns the path of an area on top of base, to which it adds the values.
function band(values, base, x, y) {
  if (!values.some((value) => value > 0)) return '';
  const below = base.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).reverse();
  values.forEach((value, i) => { base[i] += value; });
  const above = base.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
  return `M${above.join('L')}L${below.join('L')}Z`;
}

function line(values, x, y) {
  let path = '';
  let drawn = false;
  values.forEach((value, i) => {
    if (Number.isNaN(value)) {
      drawn = false;
      return;
    }
    const at = `${x(i).toFixed(1)},${y(value).toFixed(1)}`;
    path += drawn ? `L${at}` : `M${at}L${at}`; // a single value is a dot
    drawn = true;
  });
  return path;
}
