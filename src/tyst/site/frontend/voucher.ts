// A printed voucher's QR code leads here with the voucher in the address's fragment, which no server is sent. It is put
// into the form and taken out of the address, so that the browser's history keeps none. Without this script it is typed.
const field = document.querySelector<HTMLInputElement>("input#code");
const scanned = location.hash.slice(1);
if (field && !field.value && /^[0-9A-Za-z-]{18,24}$/.test(scanned)) {
  field.value = scanned;
  history.replaceState(null, "", location.pathname);
}
export {};
