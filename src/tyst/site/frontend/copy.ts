// 'Copy' buttons beside texts that are shown once. Without this script the text can be selected by hand.
for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => void copy(button));
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const source = document.getElementById(button.dataset["copy"] ?? "");
  await navigator.clipboard.writeText(source?.textContent?.trim() ?? "");
  button.textContent = button.dataset["done"] ?? button.textContent;
}
