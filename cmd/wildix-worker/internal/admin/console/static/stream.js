// The stream of data. It is read with fetch, since EventSource can't send a token.

const maxSilence = 8000; // the worker sends a frame every second
const maxDelay = 15000;
const tokenName = 'wildix-worker-token';

// follow reads the stream until the signal is aborted, or a token is required. It calls
// onFrame for each frame, and onState with the state of the connection: onState('open'),
// onState('lost', reason, milliseconds until the next attempt), onState('token', reason).
export async function follow(onFrame, onState, signal) {
  let delay = 1000;
  for (;;) {
    let reason;
    try {
      await read(signal, (frame) => {
        delay = 1000;
        onState('open');
        onFrame(frame);
      });
      reason = 'the worker closed the stream';
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TokenRequired) {
        onState('token', error.message);
        return;
      }
      reason = error.message;
    }
    onState('lost', reason, delay);
    await retryAfter(delay * (0.75 + Math.random() / 2));
    if (signal.aborted) return;
    delay = Math.min(2 * delay, maxDelay);
  }
}

class TokenRequired extends Error {}

export function keepToken(value) {
  try {
    sessionStorage.setItem(tokenName, value);
  } catch {
    // Without storage, the token is lost when the page is loaded again.
  }
  token = value;
}

let token = storedToken();

function storedToken() {
  try {
    return sessionStorage.getItem(tokenName) ?? '';
  } catch {
    return '';
  }
}

// bytesOf returns the UTF-8 of a text with one character per byte, as fetch needs it for a
// header.
function bytesOf(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

function authorization() {
  return token ? { Authorization: `Bearer ${bytesOf(token)}` } : {};
}

// get returns the answer to a request.
export async function get(path) {
  const response = await fetch(path, { headers: authorization(), cache: 'no-store' });
  return answer(response);
}

// post makes a request that acts, and returns its answer. The header is one that a page of
// another site can't send.
export async function post(path, body) {
  const headers = { ...authorization(), 'Content-Type': 'application/json', 'Wildix-Console': '1' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), cache: 'no-store' });
  return answer(response);
}

async function answer(response) {
  if (!response.ok) throw new Error((await response.text()).trim() || `answer ${response.status}`);
  return response.json();
}

// read reads frames until the stream ends. It fails if no data arrives for maxSilence.
async function read(signal, onFrame) {
  const stop = new AbortController();
  signal.addEventListener('abort', () => stop.abort(), { signal: stop.signal });
  let timer;
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new Error('no data for a while')), maxSilence);
  };
  restartTimer();
  try {
    const response = await fetch('console/events', { headers: authorization(), signal: stop.signal, cache: 'no-store' });
    if (response.status === 401) throw new TokenRequired(token ? 'the worker does not accept this token' : '');
    if (!response.ok) throw new Error((await response.text()).trim() || `answer ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      restartTimer();
      const events = (text + value).split('\n\n');
      text = events.pop();
      for (const event of events) onFrame(JSON.parse(event.replace(/^data: /, '')));
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

// retryAfter waits. It returns early when the page becomes visible or hidden, or the network
// is back.
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
