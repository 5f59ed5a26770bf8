/** Name and version of this app, as the server hears it. */

export const APP = "padan-tablet/0.2";
export const VISIT_FORM = "verifikasi_keluarga";
export const CHANGE_FORM = "perubahan";
