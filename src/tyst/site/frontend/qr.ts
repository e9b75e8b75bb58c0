// A config as a QR code: black on white whatever the page's colours, with the quiet zone that cameras need.
import encodeQR from "qr";

const QUIET = 4;

/** An SVG element that shows the text, byte for byte. */
export function qrElement(text: string, label: string): SVGSVGElement {
  const rows = encodeQR(text, "raw", { ecc: "medium", encoding: "byte", border: QUIET });
  const svg = element("svg");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const ground = element("rect");
  ground.setAttribute("width", "100%");
  ground.setAttribute("height", "100%");
  ground.setAttribute("fill", "#fff");
  const dark = element("path");
  dark.setAttribute("d", modules(rows));
  dark.setAttribute("fill", "#000");
  svg.append(ground, dark);
  return svg;
}

function modules(rows: boolean[][]): string {
  return rows.flatMap((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : ""))).join("");
}

function element<Name extends "svg" | "rect" | "path">(name: Name): SVGElementTagNameMap[Name] {
  return document.createElementNS("http://www.w3.org/2000/svg", name);
}
