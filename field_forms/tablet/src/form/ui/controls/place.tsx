/** A GPS point: the accuracy is shown while it gets better, the officer takes it when it is good enough or gives up. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Json } from "../../../contract";
import type { Cell } from "../../model/filling";
import { isPoint, pointFrom, type Point } from "../../model/values";
import type { View } from "../view";
import type { ControlProps } from "./typing";

const GOOD_ENOUGH_M = 10;
const WAITS_MS = 90_000;

type Search = { at: "rest" } | { at: "searching"; best: GeolocationPosition | null } | { at: "denied" } | { at: "nothing" };

export function Place({ view, cell, id, describedBy, disabled }: ControlProps) {
  const { words } = view;
  const [search, setSearch] = useState<Search>({ at: "rest" });
  const watching = useRef<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = (): void => {
    if (watching.current !== null) navigator.geolocation.clearWatch(watching.current);
    clearTimeout(timer.current);
    watching.current = null;
  };
  useEffect(() => stop, []);
  const take = (position: GeolocationPosition): void => {
    stop();
    setSearch({ at: "rest" });
    const { latitude, longitude, accuracy } = position.coords;
    view.answer(cell, pointFrom(latitude, longitude, accuracy) as unknown as Json);
  };
  const start = (): void => {
    if (!("geolocation" in navigator)) return setSearch({ at: "nothing" });
    stop();
    setSearch({ at: "searching", best: null });
    let best: GeolocationPosition | null = null;
    const seen = (position: GeolocationPosition): void => {
      if (best === null || position.coords.accuracy <= best.coords.accuracy) best = position;
      if (best.coords.accuracy <= goodEnough(cell)) take(best);
      else setSearch({ at: "searching", best });
    };
    const failed = (error: GeolocationPositionError): void => {
      if (error.code !== error.PERMISSION_DENIED) return;
      stop();
      setSearch({ at: "denied" });
    };
    watching.current = navigator.geolocation.watchPosition(seen, failed, { enableHighAccuracy: true, maximumAge: 0, timeout: WAITS_MS });
    timer.current = setTimeout(() => (best === null ? (stop(), setSearch({ at: "nothing" })) : take(best)), WAITS_MS);
  };
  const giveUp = (): void => {
    stop();
    setSearch({ at: "rest" });
    view.answerState(cell, "unknown");
  };
  const value = view.filling.shown(cell);
  return (
    <div class="pf-place">
      {isPoint(value) && search.at === "rest" && <p class="pf-computed">{shown(value)} <span>{words.accuracy(Math.round(value.acc_dm / 10))}</span></p>}
      {search.at === "rest" ? (
        <button type="button" id={id} class="pf-button" disabled={disabled} aria-describedby={describedBy} onClick={start}>
          {isPoint(value) ? words.locateAgain : words.locate}
        </button>
      ) : (
        <Searching view={view} id={id} search={search} goodEnoughM={goodEnough(cell)} onTake={take} onStart={start} onGiveUp={giveUp} />
      )}
    </div>
  );
}

function Searching(props: {
  view: View; id: string; search: Search; goodEnoughM: number;
  onTake: (position: GeolocationPosition) => void; onStart: () => void; onGiveUp: () => void;
}) {
  const { view, id, search, onTake, onStart, onGiveUp } = props;
  const { words } = view;
  const best = search.at === "searching" ? search.best : null;
  const metres = best === null ? 0 : Math.round(best.coords.accuracy);
  return (
    <div class="pf-searching">
      <p role="status">
        {search.at === "denied" ? words.gpsDenied : search.at === "nothing" ? words.noGps : best === null ? words.locating : words.accuracy(metres)}
        {best !== null && <span class="pf-small-text"> {words.improving}</span>}
      </p>
      <div class="pf-row">
        {best !== null && <button type="button" id={id} class="pf-button pf-primary" onClick={() => onTake(best)}>{words.useThis(metres)}</button>}
        {search.at !== "searching" && <button type="button" id={id} class="pf-button" onClick={onStart}>{words.locateAgain}</button>}
        <button type="button" class="pf-button" onClick={onGiveUp}>{words.gpsGiveUp}</button>
      </div>
    </div>
  );
}

const goodEnough = ({ question }: Cell): number => Number(question.parameters["accuracyThreshold"] ?? GOOD_ENOUGH_M);

/** Six places and a sign: what can be read to somebody over the telephone. */
const shown = (point: Point): string => `${(point.lat / 1_000_000).toFixed(6)}, ${(point.lon / 1_000_000).toFixed(6)}`;
