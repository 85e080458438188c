const MOVES = {
  ArrowLeft: [1, 0, 0], ArrowRight: [-1, 0, 0], ArrowUp: [0, 1, 0], ArrowDown: [0, -1, 0],
  PageUp: [0, 0, 1], PageDown: [0, 0, -1],
};
const TURNS = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
const OPTIONS = {
  isRadiologicalConvention: true, isCornerOrientationText: true, fontColor: [1, 1, 1, 1],
  crosshairColor: [1, 1, 1, 1], crosshairWidthUnit: "mm", crosshairWidth: 0.5,
  dragAndDropEnabled: false, logLevel: "error", loadingText: "",
};
const GLASS = 0.2;
const template = document.getElementById("viewer");
const received = {};
let opened = null;

globalThis.receiveVolumes = (name, volumes) => { received[name] = volumes; };

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${address} cannot be read`));
    document.head.append(script);
  });
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

function colourTable(colours) {
  const channel = (place) => [0, ...colours.map((colour) => colour[place])];
  return {
    R: channel(0), G: channel(1), B: channel(2),
    A: [0, ...colours.map(() => 255)], I: [0, ...colours.map((_, place) => place + 1)],
  };
}

class Viewer {
  constructor(host) {
    this.host = host;
    this.panel = document.createElement("div");
    this.panel.append(template.content.cloneNode(true));
    this.niivue = new niivue.Niivue(OPTIONS);
  }

  async show(volumes) {
    this.volumes = volumes;
    const [canvas, overlay, view, opacity] = ["canvas", ".overlay", ".view", ".opacity"]
      .map((name) => this.panel.querySelector(name));
    canvas.setAttribute("aria-label", `Volumes of ${this.host.dataset.case}`);
    this.host.after(this.panel);
    await this.niivue.attachToCanvas(canvas);
    this.niivue.addVolume(await niivue.NVImage.new(bytesOf(volumes.image), "image.nii.gz"));
    await this.overlay(overlay.value, opacity.value);
    this.niivue.scene.crosshairPos = this.niivue.vox2frac(volumes.start);
    overlay.addEventListener("change", () => this.overlay(overlay.value, opacity.value));
    opacity.addEventListener("input", () => this.niivue.setOpacity(1, Number(opacity.value)));
    view.addEventListener("change", () => this.turnTo(view.value));
    canvas.addEventListener("keydown", (event) => this.move(event), { capture: true });
    this.panel.querySelector(".close").addEventListener("click", () => closeViewer());
    this.turnTo(view.value);
    canvas.focus({ preventScroll: true });
  }

  async overlay(name, opacity) {
    this.ready = false;
    for (const volume of this.niivue.volumes.slice(1)) this.niivue.removeVolume(volume);
    if (name) {
      const text = name === "reference" ? this.volumes.reference : this.volumes.errors[name];
      const image = await niivue.NVImage.new(bytesOf(text), `${name}.nii.gz`, "gray", Number(opacity));
      image.setColormapLabel(colourTable(JSON.parse(template.dataset[name === "reference" ? "classes" : "errors"])));
      this.niivue.addVolume(image);
    }
    this.niivue.updateGLVolume();
    this.ready = true;
  }

  turnTo(view) {
    this.rendered = view === "RENDER";
    this.niivue.setOpacity(0, this.rendered ? GLASS : 1);
    this.niivue.setSliceType(niivue.SLICE_TYPE[view]);
  }

  move(event) {
    const step = (this.rendered ? TURNS : MOVES)[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { renderAzimuth, renderElevation } = this.niivue.scene;
    if (this.rendered) this.niivue.setRenderAzimuthElevation(renderAzimuth + step[0], renderElevation + step[1]);
    else this.niivue.moveCrosshairInVox(...step);
  }

  close() {
    this.niivue.cleanup();
    this.niivue.gl.getExtension("WEBGL_lose_context")?.loseContext();
    this.panel.remove();
    this.host.hidden = false;
  }
}

function closeViewer() {
  opened?.close();
  opened?.host.querySelector("button").focus();
  opened = null;
}

async function openViewer(host) {
  const status = host.querySelector("output");
  if (!document.createElement("canvas").getContext("webgl2")) {
    status.textContent = "The viewer needs WebGL 2, which this browser does not offer. The slices above show the same.";
    return;
  }
  status.textContent = "Loading …";
  try {
    if (!globalThis.niivue) await loadScript(template.dataset.niivue);
    await loadScript(host.dataset.volumes);
    closeViewer();
    opened = new Viewer(host);
    await opened.show(received[host.dataset.case]);
    host.hidden = true;
    status.textContent = "";
  } catch (error) {
    status.textContent = `The viewer cannot show this case: ${error.message}.`;
  }
  delete received[host.dataset.case];
}

for (const host of document.querySelectorAll(".viewer")) {
  host.hidden = false;
  host.querySelector("button").addEventListener("click", () => openViewer(host));
}
