const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

function showSlice(scroller, slider) {
  const place = slider.dataset.places.split(" ")[slider.value];
  scroller.style.setProperty("--slice", slider.value);
  scroller.querySelector("output").textContent = place;
  slider.setAttribute("aria-valuetext", `slice ${place}`);
}

for (const scroller of document.querySelectorAll(".scroller")) {
  const slider = scroller.querySelector("input[type=range]");
  const colours = scroller.querySelector("input[type=checkbox]");
  scroller.querySelector(".controls").hidden = false;
  slider.addEventListener("input", () => showSlice(scroller, slider));
  colours.addEventListener("change", () => scroller.classList.toggle("bare", !colours.checked));
  scroller.closest("details").addEventListener("keydown", (event) => {
    if (event.target === slider || event.target.matches("select, canvas, .opacity") || !(event.key in STEPS)) return;
    event.preventDefault();
    slider.value = Number(slider.value) + STEPS[event.key];
    showSlice(scroller, slider);
  });
}
