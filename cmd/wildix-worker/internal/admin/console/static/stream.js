// The stream of data. EventSource can't send a token, so that fetch reads the server-sent
// events.

const patience = 8000; // the worker sends something every second
const longestPause = 15000;
const tokenName = 'wildix-worker-token';

// follow reads the stream until the signal is aborted. It calls say at every change of
// state: say('open'), say('lost', why, milliseconds until the next attempt),
// say('token', why).
export async function follow(take, say, signal) {
  let pause = 1000;
  for (;;) {
    let why;
    try {
      await read(signal, (frame) => {
        pause = 1000;
        say('open');
        take(frame);
      });
      why = 'the worker ended it';
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof WantsToken) {
        say('token', error.message);
        return;
      }
      why = error.message;
    }
    say('lost', why, pause);
    await retryAfter(pause * (0.75 + Math.random() / 2));
    if (signal.aborted) return;
    pause = Math.min(2 * pause, longestPause);
  }
}

class WantsToken extends Error {}

export function keepToken(token) {
  try {
    sessionStorage.setItem(tokenName, token);
  } catch {
    // Without storage the token is used for this stream only.
  }
  current = token;
}

let current = storedToken();

function storedToken() {
  try {
    return sessionStorage.getItem(tokenName) ?? '';
  } catch {
    return '';
  }
}

// bytesOf returns a text in UTF-8 as one character a byte, which fetch needs for a header.
function bytesOf(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

// read reads frames until the stream ends or no data came for too long.
async function read(signal, take) {
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { signal: stop.signal });
  let timer;
  const expect = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new Error('no data for a while')), patience);
  };
  expect();
  try {
    const headers = current ? { Authorization: `Bearer ${bytesOf(current)}` } : {};
    const response = await fetch('console/events', { headers, signal: stop.signal, cache: 'no-store' });
    if (response.status === 401) throw new WantsToken(current ? 'The worker does not know this token.' : '');
    if (!response.ok) throw new Error((await response.text()).trim() || `answer ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      expect();
      const events = (text + value).split('\n\n');
      text = events.pop();
      for (const event of events) take(JSON.parse(event.replace(/^data: /, '')));
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

// retryAfter waits, or returns early when the page is shown again or the network is back.
function retryAfter(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      document.removeEventListener('visibilitychange', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener('online', done);
    document.addEventListener('visibilitychange', done);
  });
}
