/** Enketo: its form, given what the transformer made of the XForm, the household and the lists when the button is pressed. */
import { Form } from "enketo-core";

let open = null;

/** What the button opens. `given`: form (HTML), model, instance (XML), media as XML by id of the list. */
globalThis.give = (given) => {
  open?.resetView();
  const place = document.getElementById("form");
  place.replaceChildren();
  const external = Object.entries(given.media).map(([id, xml]) => ({ id, xml: new DOMParser().parseFromString(xml, "text/xml") }));
  document.getElementById("open").onclick = () => {
    place.innerHTML = given.form;
    const element = place.querySelector("form.or");
    open = new Form(element, { modelStr: given.model, instanceStr: given.instance, external, submitted: false }, {});
    globalThis.told = open.init();
  };
};
globalThis.ready = true;
