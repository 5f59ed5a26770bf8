/** What Enketo has a server do beforehand: HTML and model of an XForm. Not part of any time or size. */
import { transform } from "enketo-transformer/web";

globalThis.transformed = async (xform) => {
  const { form, model } = await transform({ xform });
  return { form, model };
};
globalThis.ready = true;
