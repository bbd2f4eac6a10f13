"use strict";

// Identifiers stand in paths as base64url of their UTF-8 bytes, without padding (Part 2).
function encode(identifier) {
  const bytes = new TextEncoder().encode(identifier);
  const plain = btoa(String.fromCharCode(...bytes));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function show() {
  const url = document.getElementById("version").value;
  SwaggerUIBundle({
    url,
    dom_id: "#api",
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
    deepLinking: true,
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null, // nothing of this page leaves the server
  });
}

document.getElementById("version").addEventListener("change", show);
document.getElementById("identifier").addEventListener("input", (event) => {
  document.getElementById("encoded").value = encode(event.target.value);
});
document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
show();
