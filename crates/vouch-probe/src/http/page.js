// Shows the board that /events sends. Names and texts come from servers: they are only ever set as text.
"use strict";
const $ = (id) => document.getElementById(id);
const make = (tag, text, name) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
};
const draw = (tag, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
};
const words = (answer) => answer.state + (answer.held ? " (held)" : "");
// That a replica takes no writes is no trouble, and does not look like any.
const stateOf = (answer) => (answer.reason === "is_replica" ? make("span", "no", "quiet")
  : make("span", words(answer), "state " + answer.state));
const lagOf = (node) => {
  if (node.role === "source") return "–";
  const left = node.backlog?.transactions ? `, ${node.backlog.transactions} transactions to apply` : "";
  if (node.lag.known) return (node.lag.ms / 1000).toFixed(1) + " s (" + node.lag.method + ")" + left;
  return "unknown: " + node.lag.reason + left;
};
const mainOf = (node) => (node.role === "source" ? node.write : node.read);

function row(node) {
  const line = make("tr");
  const name = make("th", node.name);
  name.scope = "row";
  line.append(name, make("td", node.role));
  for (const answer of [node.write, node.read]) {
    const cell = make("td");
    cell.append(stateOf(answer));
    line.append(cell);
  }
  const main = mainOf(node);
  const why = make("td");
  why.append(make("code", main.reason));
  if (main.text !== main.reason) why.append("  " + main.text);
  const age = node.age_ms < 1500 ? "just now" : Math.round(node.age_ms / 1000) + " s ago";
  line.append(make("td", main.weight + " %"), make("td", lagOf(node)), why, make("td", age));
  return line;
}

// Sources stand above those that replicate from them.
function levels(nodes) {
  const level = new Map(nodes.map((node) => [node.name, 0]));
  for (let pass = 0; pass < nodes.length; pass += 1) {
    for (const node of nodes) {
      for (const source of node.sources) {
        if (level.has(source) && node.role !== "source") {
          level.set(node.name, Math.min(nodes.length, Math.max(level.get(node.name), level.get(source) + 1)));
        }
      }
    }
  }
  return level;
}

function map(nodes) {
  const [wide, high, gap] = [190, 62, 34];
  const level = levels(nodes);
  const rows = [];
  for (const node of nodes) (rows[level.get(node.name)] ??= []).push(node);
  const used = rows.filter(Boolean);
  const width = Math.max(...used.map((line) => line.length), 1) * (wide + gap) + gap;
  const height = used.length * (high + 56) - 36;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  svg.append(draw("title", {}, nodes.map((node) => `${node.name}: ${mainOf(node).state}` +
    (node.sources.length ? `, replicates from ${node.sources.join(", ")}` : "")).join("; ")));
  const place = new Map();
  used.forEach((line, y) => line.forEach((node, x) => {
    const left = (width - line.length * (wide + gap) + gap) / 2 + x * (wide + gap);
    place.set(node.name, { x: left, y: 10 + y * (high + 56) });
  }));
  for (const node of nodes) {
    for (const source of node.sources.filter((name) => place.has(name))) {
      const [from, to] = [place.get(source), place.get(node.name)];
      const flat = from.y === to.y;
      const [x1, y1] = flat ? [from.x + (from.x < to.x ? wide : 0), from.y + high / 2] : [from.x + wide / 2, from.y + high];
      const [x2, y2] = flat ? [to.x + (from.x < to.x ? 0 : wide), to.y + high / 2] : [to.x + wide / 2, to.y];
      const flows = node.reachable && node.lag.known;
      svg.append(draw("path", { d: `M${x1} ${y1} C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`, class: flows ? "" : "broken" }));
    }
  }
  for (const node of nodes) {
    const { x, y } = place.get(node.name);
    const box = draw("g", { class: mainOf(node).state });
    box.append(draw("rect", { x, y, width: wide, height: high, rx: 9 }));
    box.append(draw("text", { x: x + 12, y: y + 25 }, node.name.length > 22 ? node.name.slice(0, 21) + "…" : node.name));
    const below = node.role === "replica" && node.lag.known ? `, lag ${(node.lag.ms / 1000).toFixed(1)} s` : "";
    box.append(draw("text", { x: x + 12, y: y + 46, class: "small" }, `${node.role}, ${words(mainOf(node))}${below}`));
    svg.append(box);
  }
  return svg;
}

function said(board) {
  const open = new Set([...document.querySelectorAll("#said details[open]")].map((one) => one.dataset.node));
  const focus = document.activeElement?.closest?.("#said details")?.dataset.node;
  const boxes = board.nodes.map((node) => {
    const box = make("details");
    box.dataset.node = node.name;
    box.open = open.has(node.name);
    const list = make("dl");
    for (const one of board.said.filter((one) => one.node === node.name)) {
      const value = make("dd");
      value.append(make("code", one.text.trim()), make("span", `  exit ${one.exit}`, "quiet"));
      list.append(make("dt", one.protocol), value);
    }
    box.append(make("summary", node.name), list);
    return box;
  });
  $("said").replaceChildren(...boxes);
  boxes.find((box) => box.dataset.node === focus)?.querySelector("summary").focus();
}

function last(board) {
  const lines = [...board.transitions].reverse().slice(0, 20).map((change) => {
    const line = make("li");
    const when = make("time", new Date(change.at).toLocaleTimeString());
    when.dateTime = change.at;
    line.append(when, `${change.node} ${change.service} `, make("span", change.from, change.from), " → ",
      make("span", change.to, "state " + change.to), "  ", make("code", change.reason), change.text === change.reason ? "" : `  ${change.text}`);
    return line;
  });
  $("last").replaceChildren(...(lines.length ? lines : [make("li", "none since the start", "quiet")]));
}

let before = "";
function show(board) {
  const good = board.nodes.filter((node) => ["up", "degraded"].includes(mainOf(node).state)).length;
  const sum = `${good} of ${board.nodes.length} nodes serve`;
  // Announced only when it changes.
  if ($("sum").textContent !== sum) $("sum").textContent = sum;
  document.title = `${good}/${board.nodes.length} vouch`;
  document.querySelector("#nodes tbody").replaceChildren(...board.nodes.map(row));
  $("map").replaceChildren(map(board.nodes));
  last(board);
  const text = JSON.stringify(board.said);
  if (text !== before) said(board);
  before = text;
}

function listen() {
  const events = new EventSource("/events");
  events.onmessage = (event) => {
    $("link").textContent = "live";
    show(JSON.parse(event.data));
  };
  events.onerror = () => { $("link").textContent = "connection lost, trying again"; };
}
listen();
