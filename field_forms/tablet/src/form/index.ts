/** The form: owned by src/form/. */
import type { MountForm } from "../contract";

export const mountForm: MountForm = async () => {
  throw new Error("no form yet");
};
