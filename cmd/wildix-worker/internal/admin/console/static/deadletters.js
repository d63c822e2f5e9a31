// Dead letters: listed and redriven when that is asked for.
import { post } from './stream.js';
import { Rows, element, setClass, setText } from './rows.js';

const $ = (selector) => document.querySelector(selector);
const messages = (n) => (n === 1 ? '1 message' : `${n.toLocaleString('en')} messages`);

let letters = [];
let rows;
let waiting = false; // for an answer
let redrive; // the last that the worker knows of
let redriveSeen = 0; // when the redrive began whose end is shown
let ids = []; // to redrive when that is confirmed; null for all

// resetDeadLetters discards what is shown, which may be of a previous worker.
export function resetDeadLetters(whole) {
  $('#dead-letters').hidden = !whole.deadLetters;
  rows ??= new Rows($('.letters tbody'), letterRow);
}

// drawDeadLetters shows how the redrive goes on.
export function drawDeadLetters(latest) {
  redrive = latest;
  setText($('#letters-progress'), redrive?.running ? redrive.text : '');
  if (redrive && !redrive.running && redrive.at !== redriveSeen) {
    redriveSeen = redrive.at;
    say(`${redrive.text} The redrive began at ${new Date(redrive.at).toLocaleTimeString('en-GB')}.`, redrive.failed);
    showLetters([]); // those that were moved are no longer there
  }
  enable();
}

function say(text, failed) {
  setText($('#letters-result'), text);
  setClass($('#letters-result'), failed ? 'bad' : '');
}

function enable() {
  const chosen = chosenIDs().length;
  const busy = waiting || Boolean(redrive?.running);
  for (const button of ['#list-letters', '#redrive-all']) $(button).disabled = busy;
  $('#redrive-chosen').disabled = busy || chosen === 0;
  setText($('#redrive-chosen'), chosen > 0 ? `Redrive chosen (${chosen})` : 'Redrive chosen');
  $('#choose-all').checked = chosen > 0 && chosen === letters.length;
  $('#choose-all').indeterminate = chosen > 0 && chosen < letters.length;
}

const boxes = () => [...document.querySelectorAll('.letters tbody input')];
const chosenIDs = () => boxes().filter((box) => box.checked).map((box) => box.value);

// letterRow returns a new row for a dead letter.
function letterRow() {
  const box = element('input');
  box.type = 'checkbox';
  const [sent, receives, type, ids, verdict, reason] = Array.from({ length: 6 }, () => element('div'));
  for (const second of [receives, ids]) second.className = 'second';
  const row = element('tr', '', element('td', '', box), element('td', '', sent, receives), element('td', '', type, ids), element('td', '', verdict, reason));
  return {
    element: row,
    update(letter) {
      const at = letter.sentAt ? new Date(letter.sentAt).toLocaleString('en-GB') : 'unknown';
      box.value = letter.messageId;
      box.setAttribute('aria-label', `Choose the message ${letter.messageId}, sent ${at}`);
      setText(sent, at);
      setText(receives, letter.receives === 1 ? '1 receive' : `${letter.receives} receives`);
      setText(type, letter.type || 'unknown event');
      setText(ids, [letter.id, letter.messageId].filter(Boolean).join(' · '));
      setText(verdict, letter.verdict);
      setClass(verdict, `outcome ${{ valid: 'handled', unchecked: 'ignored' }[letter.verdict] ?? letter.verdict}`);
      setText(reason, letter.reason);
    },
  };
}

function showLetters(list) {
  letters = list.map((letter) => ({ ...letter, number: letter.messageId }));
  rows.show([]); // nothing stays chosen
  rows.show(letters);
  $('.letters').hidden = letters.length === 0;
}

// ask makes a request, during which no other can be made.
async function ask(path, body, onAnswer) {
  waiting = true;
  enable();
  try {
    onAnswer(await post(path, body));
  } catch (error) {
    say(error.message, true);
  }
  waiting = false;
  enable();
}

function list() {
  say('Receiving dead letters.');
  return ask('console/dead-letters', {}, ({ letters: list, visible, warning }) => {
    showLetters(list);
    const shown = list.length < visible ? `${messages(list.length)} of about ${visible.toLocaleString('en')}` : messages(list.length);
    say([list.length === 0 ? 'There are no dead letters.' : `Showing ${shown}.`, warning].filter(Boolean).join(' '));
  });
}

function confirmRedrive(chosen) {
  ids = chosen;
  setText($('#redrive-title'), ids ? `Redrive ${messages(ids.length)}?` : 'Redrive all dead letters?');
  const where = ids ? `${ids.length === 1 ? 'It goes' : 'They go'} back to the queue of this worker.` : 'SQS moves each back to the queue that it came from.';
  setText($('#redrive-text'), `${where} What a worker would still reject becomes a dead letter again.`);
  $('#redrive').showModal();
}

$('#list-letters').addEventListener('click', list);
$('#redrive-all').addEventListener('click', () => confirmRedrive(null));
$('#redrive-chosen').addEventListener('click', () => confirmRedrive(chosenIDs()));
$('#redrive-cancel').addEventListener('click', () => $('#redrive').close());
$('#redrive-start').addEventListener('click', () => {
  $('#redrive').close();
  say('');
  ask('console/dead-letters/redrive', ids ? { ids } : { all: true }, () => {});
});
$('#choose-all').addEventListener('change', ({ target }) => {
  for (const box of boxes()) box.checked = target.checked;
  enable();
});
$('.letters tbody').addEventListener('change', enable);
