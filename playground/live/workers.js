/** The two workers, as functions that answer later. */

/**
 * @param file its script
 * @param told what it says unasked: that it is loaded, ready, or has failed
 * @param limit milliseconds that an answer may take once it is ready: then it is stopped, and another one begins
 */
export function worker(file, told, limit = Infinity) {
  let current;
  let last = 0;
  let isReady = false;
  const waiting = new Map();
  function start() {
    isReady = false;
    current = new Worker(file, { type: 'module' });
    current.onmessage = ({ data }) => {
      if (data.id === undefined) {
        if (data.ready) isReady = true;
        for (const it of waiting.values()) it.wait();
        return told(data);
      }
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      asked?.done(data);
    };
    current.onerror = (event) => told({ failed: event.message || `${file} did not load` });
  }
  function stop() {
    current.terminate();
    for (const { done } of waiting.values())
      done({ failed: `It did not end within ${limit / 1000} seconds, and was stopped.` });
    waiting.clear();
    start();
  }
  return {
    start,
    ask(message) {
      const id = ++last;
      return new Promise((resolve) => {
        let timer;
        const wait = () => {
          if (isReady && limit !== Infinity) timer ??= setTimeout(stop, limit);
        };
        waiting.set(id, { wait, done: (data) => (clearTimeout(timer), resolve(data)) });
        wait();
        current.postMessage({ id, ...message });
      });
    },
  };
}
