// Drives a Connect server with 1Password's own JavaScript client, and prints what it saw as JSON.
// usage: node official_client.mjs URL TOKEN_FILE; @1password/connect is found through NODE_PATH.

import assert from "node:assert";
import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { FullItem, ItemBuilder, OnePasswordConnect } = require("@1password/connect");

const [url, tokenFile] = process.argv.slice(2);
const token = fs.readFileSync(tokenFile, "utf8");
const client = OnePasswordConnect({ serverURL: url, token, keepAlive: true });
const seen = {};

function value(item, label) {
    return item.fields.find((field) => field.label === label)?.value;
}

async function read() {
    seen.vaults = (await client.listVaults()).map((vault) => vault.name);
    const vault = await client.getVaultByTitle("prod");
    assert.deepStrictEqual(await client.getVault(vault.id), vault);
    assert.deepStrictEqual(await client.getVaultById(vault.id), vault);
    assert.strictEqual((await client.listVaultsByTitle("prod")).length, 1);
    await assert.rejects(client.getVaultByTitle("nothing"));
    await assert.rejects(client.getVaultById("a".repeat(26)), { status: 404 });
    seen.items = (await client.listItems(vault.id)).map((item) => item.title);
    const item = await client.getItem(vault.id, "db");
    assert.deepStrictEqual(await client.getItemById(vault.id, item.id), item);
    assert.deepStrictEqual(await client.getItemByTitle(vault.id, "db"), item);
    assert.strictEqual((await client.listItemsByTitle(vault.id, "db")).length, 1);
    assert.strictEqual((await client.listItemsByTitleContains(vault.id, "strip")).length, 1);
    await assert.rejects(client.getItemById(vault.id, "a".repeat(26)), { status: 404 });
    seen.password = value(item, "password");
    return vault;
}

async function write(vault) {
    const made = await client.createItem(
        vault.id,
        new ItemBuilder()
            .setTitle("made by the client")
            .setCategory(FullItem.CategoryEnum.Login)
            .toggleFavorite()
            .addTag("test")
            .addUrl({ href: "https://example.com", primary: true })
            .addField({ label: "user", value: "example-user" })
            .addField({ label: "key", sectionName: "Keys", generate: true, recipe: { length: 12 } })
            .build(),
    );
    assert.strictEqual(made.version, 1);
    assert.strictEqual(value(made, "key").length, 12);
    made.fields.find((field) => field.label === "user").value = "changed";
    const updated = await client.updateItem(vault.id, made);
    assert.strictEqual(updated.version, 2);
    assert.strictEqual(value(await client.getItem(vault.id, made.id), "user"), "changed");
    await client.deleteItem(vault.id, "made by the client");
    await assert.rejects(client.getItemById(vault.id, made.id), { status: 404 });
}

async function readFiles(vault) {
    const files = await client.listFiles("prod", "app");
    const file = await client.getFileById(vault.id, "app", files[0].id);
    assert.strictEqual(file.name, files[0].name);
    const stream = await client.getFileContentStream("prod", "app", file.id);
    const chunks = [];
    for await (const chunk of stream) {
        chunks.push(chunk);
    }
    seen.file = { name: file.name, size: Buffer.concat(chunks).length };
}

const vault = await read();
await write(vault);
await readFiles(vault);
const shared = await client.getVaultByTitle("shared");
seen.otp = await client.getItemOTP(shared.id, "mail");
console.log(JSON.stringify(seen));
// The client's keep-alive agent would hold the process.
process.exit(0);
