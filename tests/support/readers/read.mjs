// Reads a mail from standard input with postal-mime (its folder is the one argument), and prints it as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: PostalMime } = await import(pathToFileURL(`${process.argv[2]}/src/postal-mime.js`));
const mail = await PostalMime.parse(readFileSync(0), { attachmentEncoding: "base64" });
console.log(
  JSON.stringify({
    subject: mail.subject,
    to: mail.to.map((each) => each.address),
    inReplyTo: mail.inReplyTo ?? null,
    text: mail.text,
    html: mail.html,
    attachments: mail.attachments.map((each) => ({ type: each.mimeType, content: each.content })),
  }),
);
