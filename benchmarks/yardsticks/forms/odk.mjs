/** ODK Web Forms: its component, given the form, the household and the lists when the button is pressed. */
import { OdkWebForm, webFormsPlugin } from "@getodk/web-forms";
import { createApp, h } from "vue";

let app = null;

/** What the button opens. `given`: xform, instance, media by name. */
globalThis.give = (given) => {
  app?.unmount();
  const fetchFormAttachment = async (url) => {
    const text = given.media[decodeURIComponent(String(url).split("/").at(-1))];
    return new Response(text ?? "", { status: text === undefined ? 404 : 200, headers: { "content-type": "text/csv" } });
  };
  const editInstance = {
    resolveInstance: () => given.instance,
    attachmentFileNames: [],
    resolveAttachment: () => Promise.reject(new Error("there are none")),
  };
  document.getElementById("open").onclick = () => {
    app = createApp({ render: () => h(OdkWebForm, { formXml: given.xform, fetchFormAttachment, editInstance }) });
    app.use(webFormsPlugin);
    app.mount("#form");
  };
};
globalThis.ready = true;
