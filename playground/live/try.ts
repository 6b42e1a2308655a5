import { buildLive } from './build.js';
console.time('build'); await buildLive('/tmp/live', { results: true }); console.timeEnd('build');
