/** `el('li', { class: 'x' }, 'text', child)`: text stays text, whatever is in it. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((it) => it !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** A box that scrolls sideways has to be in reach of the keyboard. */
export const scrollable = (label, ...children) =>
  el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': label }, ...children);
