/** What a promise gives within so many milliseconds. */
export const within = (milliseconds, promise) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, milliseconds, 'no answer'))]);
