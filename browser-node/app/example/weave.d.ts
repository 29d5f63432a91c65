// The script of the example is handed on as text.
declare const text: string;
export = text;
