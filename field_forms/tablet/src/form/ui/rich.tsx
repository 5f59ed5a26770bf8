/** The little Markdown that XLSForms use in labels and notes: bold, italic, headings, line breaks. Everything else is text. */
import type { ComponentChildren } from "preact";

const MARKS = /(\*\*[^*\n]+\*\*|__[^_\n]+__|\*[^*\s][^*\n]*\*|(?<![\w])_[^_\s][^_\n]*_(?![\w]))/g;

export function Rich({ text }: { text: string }) {
  if (!/[*_#\n<]/.test(text)) return <span>{text}</span>;
  const lines = text.replaceAll(/<\/?(?:span|div|p)[^>]*>/g, "").trim().split("\n");
  return (
    <span>
      {lines.map((line, index) => (
        <>
          {index > 0 && <br />}
          {/^#{1,6}\s/.test(line) ? <strong>{line.replace(/^#+\s+/, "")}</strong> : marked(line)}
        </>
      ))}
    </span>
  );
}

function marked(line: string): ComponentChildren[] {
  return line.split(MARKS).map((piece) => {
    if (/^(\*\*|__).+(\*\*|__)$/.test(piece)) return <strong>{piece.slice(2, -2)}</strong>;
    if (/^[*_].+[*_]$/.test(piece) && piece.length > 2) return <em>{piece.slice(1, -1)}</em>;
    return piece;
  });
}

/** A text without its marks, for names of controls and titles. */
export const plainText = (text: string): string =>
  text.replaceAll(/<[^>]+>/g, "").replaceAll(/^#+\s+/gm, "").replaceAll(/\*\*|__/g, "").replaceAll(/\s+/g, " ").trim();
