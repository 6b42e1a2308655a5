/** The editor: CodeMirror, which leaves the Tab key to the page. */
import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import { el } from '../web/dom.js';

/** @param ask a question to the language service: resolves to undefined where it is not there yet */
export function openEditor(parent, code, { changed, ask }) {
  const complete = async ({ state, pos, explicit }) => {
    if (!explicit && !state.sliceDoc(Math.max(0, pos - 1), pos).match(/[\w.]/)) return null;
    const found = await ask('complete', state.doc.toString(), pos);
    return found ? { from: found.from, options: found.options, validFor: /^[\w$]*$/ } : null;
  };
  const hover = hoverTooltip(async (view, pos) => {
    const found = await ask('hover', view.state.doc.toString(), pos);
    return found
      ? {
          pos: found.from,
          end: found.to,
          above: true,
          create: () => ({ dom: el('div', { class: 'hover' }, found.text) }),
        }
      : null;
  });
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: code,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        syntaxHighlighting(classHighlighter),
        javascript({ typescript: true }),
        autocompletion({ override: [complete] }),
        hover,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-labelledby': 'code-title' }),
        EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
        keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
      ],
    }),
  });
  return {
    get code() {
      return view.state.doc.toString();
    },
    set code(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    show(faults) {
      const end = view.state.doc.length;
      const diagnostics = faults.map((it) => ({
        from: Math.min(it.from, end),
        to: Math.min(it.to, end),
        severity: 'error',
        source: it.code,
        message: it.remedy ? `${it.remedy}\n${it.words}` : it.words,
      }));
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    line: (position) => view.state.doc.lineAt(Math.min(position, view.state.doc.length)).number,
    goTo(position) {
      view.dispatch({ selection: { anchor: Math.min(position, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
  };
}
