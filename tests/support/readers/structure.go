// Reads a mail from standard input with Go's net/mail and mime/multipart, and prints its tree as JSON:
// a list of parts, depth first, each with its depth, its type and its decoded content as base64.
package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"strings"
)

type part struct {
	Depth   int    `json:"depth"`
	Type    string `json:"type"`
	Content string `json:"content"`
}

type whole struct {
	Subject string   `json:"subject"`
	To      []string `json:"to"`
	Parts   []part   `json:"parts"`
}

func decoded(header textproto.MIMEHeader, body io.Reader) io.Reader {
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	}
	return body
}

func walk(header textproto.MIMEHeader, body io.Reader, depth int, parts *[]part) {
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		log.Fatal(err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		*parts = append(*parts, part{depth, kind, ""})
		reader := multipart.NewReader(body, parameters["boundary"])
		for {
			next, err := reader.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				log.Fatal(err)
			}
			walk(next.Header, next, depth+1, parts)
		}
	}
	content, err := io.ReadAll(decoded(header, body))
	if err != nil {
		log.Fatal(err)
	}
	*parts = append(*parts, part{depth, kind, base64.StdEncoding.EncodeToString(content)})
}

func main() {
	message, err := mail.ReadMessage(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		log.Fatal(err)
	}
	addresses, err := message.Header.AddressList("To")
	if err != nil {
		log.Fatal(err)
	}
	found := whole{Subject: subject}
	for _, each := range addresses {
		found.To = append(found.To, each.Address)
	}
	walk(textproto.MIMEHeader(message.Header), message.Body, 0, &found.Parts)
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}
