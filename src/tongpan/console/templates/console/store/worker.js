{% load static %}/* Keeps the shell of the store desk, and pages that show no customer, for when the line is down. */
"use strict";
const KEPT = "tongpan-desk-1";
const OFFLINE = "{% url 'console:store_offline' %}";
const SHELL = [OFFLINE, "{% static 'console/css/tokens.css' %}", "{% static 'console/css/base.css' %}", "{% static 'console/css/shell.css' %}", "{% static 'console/css/controls.css' %}", "{% static 'console/css/components.css' %}", "{% static 'console/css/store.css' %}", "{% static 'console/js/app.js' %}", "{% static 'console/js/desk.js' %}", "{% static 'console/js/store.js' %}", "{% static 'console/js/store_scan.js' %}", "{% static 'console/icons.svg' %}"];
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});
async function page(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected && answer.headers.get("X-Desk-Keep")) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    return (await cache.match(request)) ?? (await cache.match(OFFLINE)) ?? Response.error();
  }
}
async function file(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    return (await cache.match(request)) ?? Response.error();
  }
}
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname.startsWith("/desk/")) event.respondWith(page(request));
  else if (request.destination && request.destination !== "document") event.respondWith(file(request));
});
