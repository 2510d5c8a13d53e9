// The lab's page: draws what /api/lab and /events say (docs/pxe.md, "The page and the API"). Values are
// set as text and never as markup: much of it was said by machines.
"use strict";

const STAGES = {
	failed: ["✗", "failed"],
	unseen: ["○", "not seen yet"],
	booting: ["◔", "booting"],
	installing: ["↓", "installing"],
	installed: ["◑", "installed"],
	starting: ["↻", "starting"],
	proving: ["◕", "proving"],
	proven: ["✓", "proven"],
};
const WHAT = { // where the machine itself says nothing
	unseen: "has not asked for a boot script",
	booting: "fetches its installer",
	installed: "its disk is complete: boots from it next",
	starting: "boots from its disk",
};
const LEVEL_SYMBOLS = { proven: "✓", failed: "✗", booted: "◑", starting: "◔" };
const DECISIONS = { install: "install", local: "local disk", rescue: "rescue" };
const SILENCE_MS = 40000; // the server is heard every 15 s at least
const AGAIN_MS = 2000;
const RATE_SECONDS = 10;
const MANY = 40; // machines: from there on each is drawn smaller

const $ = (id) => document.getElementById(id);
const cards = new Map(); // by machine name
let lab = { machines: [], strangers: [] };
let filter = null;
let clockAhead = 0; // the server's clock before ours, seconds
let source = null;
let heard = 0;

// ---- texts ----

function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

function size(bytes) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;
	while (bytes >= 1000 && i < units.length - 1) {
		bytes /= 1024;
		i++;
	}
	return (i && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[i];
}

function span(seconds) {
	seconds = Math.max(0, Math.round(seconds));
	if (seconds < 60)
		return seconds + " s";
	if (seconds < 3600)
		return Math.floor(seconds / 60) + " min " + String(seconds % 60).padStart(2, "0") + " s";
	if (seconds < 86400)
		return Math.floor(seconds / 3600) + " h " + String(Math.floor(seconds / 60) % 60).padStart(2, "0") + " min";
	return Math.floor(seconds / 86400) + " d " + Math.floor(seconds / 3600) % 24 + " h";
}

const serverNow = () => Date.now() / 1000 + clockAhead;

// ---- one machine ----

function cardMake(name) {
	const item = $("machine").content.cloneNode(true).firstElementChild;
	const card = { item, machine: name, samples: [] };
	for (const part of ["name", "stage-text", "symbol", "doing-text", "since", "error", "levels", "tail", "address",
		"mac", "stack", "decision", "console", "uuid", "firmware", "way", "attempts", "decide", "decided"])
		card[part] = item.querySelector("." + part);
	card.progress = item.querySelector("progress");
	card.details = item.querySelector("details");
	card.progress.setAttribute("aria-label", "Progress of " + name);
	card.console.setAttribute("aria-label", "Console of " + name);
	card.decide.setAttribute("aria-label", "What " + name + " does at its next boot");
	card.decide.addEventListener("click", (event) => {
		const decision = event.target.dataset.decision;
		if (decision)
			decide(card, decision);
	});
	setText(card.name, name);
	return card;
}

// Bytes a second over the last seconds; 0: not known.
function rate(card, machine) {
	const now = performance.now() / 1000;
	const samples = card.samples;
	if (machine.stage !== "installing" || (samples.length && samples[samples.length - 1].done > machine.done))
		samples.length = 0;
	if (machine.stage === "installing" && (!samples.length || samples[samples.length - 1].done !== machine.done))
		samples.push({ now, done: machine.done });
	while (samples.length > 2 && now - samples[0].now > RATE_SECONDS)
		samples.shift();
	if (samples.length < 2)
		return 0;
	const first = samples[0];
	return (machine.done - first.done) / Math.max(now - first.now, 0.5);
}

function doing(card, machine) {
	const parts = [];
	if (machine.stage === "installing" || machine.stage === "failed")
		parts.push(machine.text);
	if (!machine.levels.length)
		parts.push(WHAT[machine.stage]);
	card.rate = rate(card, machine);
	if (machine.stage === "installing" && machine.done) {
		parts.push(size(machine.done) + (machine.total ? " of " + size(machine.total) : ""));
		if (card.rate)
			parts.push(size(card.rate) + "/s");
		if (card.rate && machine.total > machine.done)
			parts.push(span((machine.total - machine.done) / card.rate) + " left");
	}
	if (machine.levels.length)
		parts.push(machine.levels.filter((level) => level.proven).length + " of " + machine.levels.length + " levels proven");
	return parts.filter((part) => part).join(" · ");
}

// What the bar shows, 0 to 100; null: something goes on, nobody knows how far it is.
function share(machine) {
	const levels = machine.levels;
	switch (machine.stage) {
	case "proven":
		return 100;
	case "installing":
		return machine.total ? Math.min(100, machine.done / machine.total * 100) : null;
	case "proving":
		return levels.length ? levels.filter((level) => level.proven).length / levels.length * 100 : null;
	case "booting":
	case "installed":
	case "starting":
		return null;
	case "failed":
		return machine.total ? Math.min(100, machine.done / machine.total * 100) : 0;
	default:
		return 0;
	}
}

function levelError(levels) {
	const level = levels.find((one) => one.state === "failed");
	return level ? ["L" + level.level + " " + level.name + " failed", level.step, level.reason, level.cure].filter((text) => text).join(": ") : "";
}

function drawLevels(list, levels) {
	list.hidden = levels.length === 0;
	while (list.children.length > levels.length)
		list.lastElementChild.remove();
	levels.forEach((level, i) => {
		const item = list.children[i] || list.appendChild(document.createElement("li"));
		item.dataset.state = level.state;
		item.title = [level.os, level.hypervisor, level.guest_type, level.address, level.reason].filter((text) => text && text !== "-").join(", ");
		setText(item, (LEVEL_SYMBOLS[level.state] || "○") + " L" + level.level + " " + level.name + ": " + level.state);
	});
}

function drawConsole(card, text) {
	const box = card.console;
	if (box.textContent === text)
		return;
	const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
	box.textContent = text;
	if (atEnd)
		box.scrollTop = box.scrollHeight;
	const lines = text.trimEnd().split("\n");
	setText(card.tail, lines[lines.length - 1]);
	card.tail.hidden = card.tail.textContent === "";
}

function drawMachine(card, machine) {
	const [symbol, text] = STAGES[machine.stage] || ["?", machine.stage];
	const value = share(machine);
	card.item.dataset.stage = machine.stage;
	card.item.dataset.name = machine.name;
	setText(card.symbol, symbol);
	setText(card["stage-text"], text);
	if (value === null)
		card.progress.removeAttribute("value");
	else
		card.progress.value = value;
	setText(card["doing-text"], doing(card, machine));
	setText(card.error, machine.error || levelError(machine.levels));
	card.error.hidden = card.error.textContent === "";
	drawLevels(card.levels, machine.levels);
	drawConsole(card, machine.console);
	setText(card.address, machine.address || "–");
	setText(card.mac, machine.mac || "any");
	setText(card.stack, machine.stack);
	setText(card.decision, DECISIONS[machine.decision] || machine.decision);
	setText(card.uuid, machine.uuid || "–");
	setText(card.firmware, machine.firmware || "–");
	setText(card.way, machine.way);
	setText(card.attempts, String(machine.attempts));
	for (const button of card.decide.querySelectorAll("button"))
		button.setAttribute("aria-pressed", String(button.dataset.decision === machine.decision));
	if (card.stage && card.stage !== machine.stage) {
		announce(machine.name + ": " + text + (machine.stage === "failed" && machine.error ? ", " + machine.error : ""));
		card.details.open ||= machine.stage === "failed";
	}
	card.stage = machine.stage;
	card.since_time = machine.since;
	drawSince(card);
}

// Passes by itself, between the server's words.
function drawSince(card) {
	setText(card.since, card.stage === "unseen" ? "" : span(serverNow() - card.since_time));
}

function announce(text) {
	const line = document.createElement("p");
	line.textContent = text;
	$("announcements").append(line);
	while ($("announcements").children.length > 5)
		$("announcements").firstElementChild.remove();
}

async function decide(card, decision) {
	if (decision === "install" && !confirm("Install " + card.machine + " at its next boot? What is on its disk may be lost."))
		return;
	setText(card.decided, "…");
	try {
		const answer = await fetch("/api/machines/" + encodeURIComponent(card.machine) + "/decision", {
			method: "POST",
			headers: { "X-Nestctl": "page", "Content-Type": "application/json" },
			body: JSON.stringify({ decision }),
		});
		setText(card.decided, answer.ok ? "done" : (await answer.text()).trim());
	} catch {
		setText(card.decided, "the server could not be reached");
	}
}

// ---- the whole ----

function drawFilters(counts) {
	for (const [stage, [symbol, text]] of Object.entries(STAGES)) {
		let button = $("filters").querySelector(`[data-stage="${stage}"]`);
		if (!button) {
			button = document.createElement("button");
			button.type = "button";
			button.dataset.stage = stage;
			const mark = document.createElement("span");
			mark.className = "symbol";
			mark.ariaHidden = "true";
			mark.textContent = symbol;
			button.append(mark, document.createElement("span"));
			button.addEventListener("click", () => {
				filter = filter === stage ? null : stage;
				draw();
			});
			$("filters").append(button);
		}
		button.hidden = !counts[stage] && filter !== stage;
		button.setAttribute("aria-pressed", String(filter === stage));
		setText(button.lastElementChild, ` ${counts[stage] || 0} ${text}`);
	}
}

function drawOverall(counts) {
	const order = ["proven", "proving", "starting", "installed", "installing", "booting", "failed", "unseen"];
	order.forEach((stage, i) => {
		const part = $("overall").children[i] || $("overall").appendChild(document.createElement("i"));
		part.dataset.stage = stage;
		part.style.flexGrow = counts[stage] || 0;
		part.hidden = !counts[stage] || stage === "unseen";
		if (stage === "unseen") { // what is left stays empty
			part.hidden = false;
			part.style.background = "transparent";
		}
	});
}

function drawStrangers() {
	const rows = $("strangers-rows");
	$("strangers").hidden = lab.strangers.length === 0;
	while (rows.children.length > lab.strangers.length)
		rows.lastElementChild.remove();
	lab.strangers.forEach((stranger, i) => {
		let row = rows.children[i];
		if (!row) {
			row = rows.insertRow();
			for (let k = 0; k < 5; k++)
				row.insertCell().className = k < 3 ? "mono" : "";
		}
		const values = [stranger.mac, stranger.uuid, stranger.address, stranger.firmware];
		values.forEach((value, k) => setText(row.cells[k], value || "–"));
		row.dataset.seen = stranger.seen;
	});
	drawSeen();
}

function drawSeen() {
	for (const row of $("strangers-rows").rows)
		setText(row.cells[4], span(serverNow() - row.dataset.seen) + " ago");
}

function draw() {
	const counts = {};
	let shown = 0, bytes = 0;
	lab.machines.forEach((machine, i) => {
		counts[machine.stage] = (counts[machine.stage] || 0) + 1;
		let card = cards.get(machine.name);
		if (!card) {
			card = cardMake(machine.name);
			cards.set(machine.name, card);
		}
		if ($("machines").children[i] !== card.item)
			$("machines").insertBefore(card.item, $("machines").children[i] || null);
		if (card.drawn !== machine) {
			drawMachine(card, machine);
			card.drawn = machine;
		}
		bytes += card.rate || 0;
		card.item.hidden = filter !== null && machine.stage !== filter;
		shown += !card.item.hidden;
	});
	while ($("machines").children.length > lab.machines.length) {
		cards.delete($("machines").lastElementChild.dataset.name);
		$("machines").lastElementChild.remove();
	}
	const total = lab.machines.length, proven = counts.proven || 0, failed = counts.failed || 0;
	setText($("lab"), lab.lab || "lab");
	setText($("summary"), `${proven} of ${total} machines proven` + (failed ? `, ${failed} failed` : "") +
		(bytes ? ` · ${size(bytes)}/s in all` : ""));
	document.title = (failed ? "✗ " : proven === total && total ? "✓ " : "") + `${proven}/${total} · ${lab.lab || "lab"}`;
	document.body.classList.toggle("many", total > MANY);
	$("nothing").hidden = shown > 0 || filter === null;
	drawFilters(counts);
	drawOverall(counts);
	drawStrangers();
}

// Everything, or only the machines that changed.
function take(news, everything) {
	if (everything) {
		lab = news;
	} else {
		const changed = new Map(news.machines.map((machine) => [machine.name, machine]));
		lab = { ...lab, ...news, strangers: news.strangers || lab.strangers,
			machines: lab.machines.map((machine) => changed.get(machine.name) || machine) };
	}
	clockAhead = news.now - Date.now() / 1000;
	draw();
}

// ---- the server ----

function connection(state, text) {
	$("connection").dataset.state = state;
	setText($("connection-text"), text);
}

function hear() {
	heard = Date.now();
	connection("live", "live");
}

async function fetchAll() {
	try {
		const answer = await fetch("/api/lab", { cache: "no-store" });
		const news = answer.ok ? await answer.json() : null;
		if (news && !(lab.version > news.version)) // the stream may have been faster
			take(news, true);
	} catch {
		// the stream says what is wrong
	}
}

function listen() {
	if (source)
		source.close();
	heard = Date.now();
	source = new EventSource("/events");
	for (const kind of ["lab", "change"])
		source.addEventListener(kind, (event) => {
			hear();
			take(JSON.parse(event.data), kind === "lab");
		});
	source.addEventListener("beat", hear);
	source.addEventListener("open", hear);
	source.addEventListener("error", () => {
		connection("lost", "no connection, trying again");
		if (source.readyState === EventSource.CLOSED) // else it tries again by itself
			setTimeout(listen, AGAIN_MS);
	});
}

fetchAll();
listen();
setInterval(() => {
	cards.forEach(drawSince);
	drawSeen();
	if (Date.now() - heard > SILENCE_MS)
		listen();
}, 1000);
