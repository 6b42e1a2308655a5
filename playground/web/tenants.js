import { el } from './dom.js';

const amount = new Intl.NumberFormat('en');

/** Projects with their tasks. */
export const projectsView = ({ projects, tasks }) =>
  projects.map((project) =>
    el(
      'div',
      { class: 'project' },
      el(
        'h3',
        {},
        el('span', { class: 'id' }, `${project.id}`),
        ' ',
        project.name,
        el('small', {}, amount.format(project.budget)),
      ),
      el(
        'ul',
        {},
        tasks
          .filter((task) => task.projectId === project.id)
          .map((task) =>
            el(
              'li',
              { class: task.status },
              el('span', { class: 'id' }, `${task.id}`),
              ' ',
              task.title,
              el('small', {}, task.status),
            ),
          ),
      ),
    ),
  );
