/** Where a form is drawn. The form brings its own bar and pages; the shell keeps what it saves. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { MountForm, MountedForm } from "../../contract";
import type { App } from "../app";
import { hostFor, requestFor } from "../form_host";
import { Page } from "../parts";

export function FormPage({ app, draftId }: { app: App; draftId: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let mounted: MountedForm | null = null;
    let gone = false;
    let left = false;
    const leave = async () => {
      await mounted?.flush();
      return true;
    };
    const closed = (how: "kept" | "sealed" | "discarded") => {
      // A form that was sealed closes itself as well.
      if (gone || left) return;
      left = true;
      // What is sealed or thrown away has nothing to save any more.
      if (how !== "kept") mounted = unmounted(mounted);
      app.routes.back();
    };
    const open = async () => {
      const store = app.active.value?.store;
      const draft = store?.drafts.get(draftId);
      if (!store || !draft) return app.routes.back();
      const request = await requestFor(app, store, draft);
      if (!request) return setProblem(app.words.household.formMissing);
      const { mountForm } = (await import("../../form/index")) as { mountForm: MountForm };
      if (gone || !place.current) return;
      mounted = await mountForm(place.current, request, hostFor(app, store, draftId, closed));
      if (gone) mounted = unmounted(mounted);
    };
    app.formOpen.set(true);
    app.routes.guard = leave;
    app.autoLock.flushForm = async () => mounted?.flush();
    open().catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : "form");
      setProblem(app.words.failed);
    });
    return () => {
      gone = true;
      app.routes.guard = null;
      app.autoLock.flushForm = null;
      app.formOpen.set(false);
      unmounted(mounted);
      app.touch();
    };
  }, [draftId]);
  if (problem) {
    return (
      <Page app={app} title={app.words.app} back={() => app.routes.back()}>
        <p class="bad">{problem}</p>
      </Page>
    );
  }
  return <div ref={place} class="form-place" />;
}

function unmounted(form: MountedForm | null): null {
  form?.unmount();
  return null;
}
