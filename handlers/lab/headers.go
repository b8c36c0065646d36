package lab

import (
	"strings"
)

// headerNote says who sets a header and what it is for.
type headerNote struct{ who, purpose string }

const (
	byYou     = "you"
	byBrowser = "your browser"
	byProxy   = "a proxy"
)

// headerNotes are the headers that browsers and proxies commonly send.
var headerNotes = map[string]headerNote{
	"Accept":                    {byBrowser, "the kinds of content it can show"},
	"Accept-Encoding":           {byBrowser, "how the answer may be compressed"},
	"Accept-Language":           {byYou, "the languages in your browser's settings"},
	"Authorization":             {byYou, "a name and password, or a token, for this site"},
	"Cache-Control":             {byBrowser, "whether a stored answer would do; a reload asks for a new one"},
	"Connection":                {byBrowser, "whether to keep the line open for the next request"},
	"Content-Length":            {byBrowser, "how many bytes the body has"},
	"Content-Type":              {byBrowser, "how the form in the body is written"},
	"Cookie":                    {byBrowser, "what this site gave it to keep, sent with every request"},
	"Dnt":                       {byYou, "that you ask not to be tracked"},
	"Forwarded":                 {byProxy, "who asked it, and for which address"},
	"Host":                      {byYou, "the site in the address that you opened"},
	"If-Modified-Since":         {byBrowser, "that it has a copy, and of when"},
	"If-None-Match":             {byBrowser, "that it has a copy, and which"},
	"Keep-Alive":                {byBrowser, "how long to keep the line open"},
	"Origin":                    {byBrowser, "the site whose page sent this; from another one we take no form"},
	"Pragma":                    {byBrowser, "Cache-Control, for very old servers"},
	"Priority":                  {byBrowser, "how soon it needs the answer, beside others"},
	"Proxy-Authorization":       {byYou, "a name and password for a proxy"},
	"Referer":                   {byBrowser, "the page that led here; misspelled since 1996"},
	"Sec-Fetch-Dest":            {byBrowser, "what it will do with the answer: show it, run it, draw it"},
	"Sec-Fetch-Mode":            {byBrowser, "whether a person goes to a page, or a page fetches something"},
	"Sec-Fetch-Site":            {byBrowser, "whether this site's own page asked, or another's"},
	"Sec-Fetch-Storage-Access":  {byBrowser, "whether a page inside another one may have its cookies"},
	"Sec-Fetch-User":            {byBrowser, "that a person clicked"},
	"Sec-Gpc":                   {byYou, "that you ask that your data is not sold"},
	"Sec-Purpose":               {byBrowser, "that it fetches ahead, before you clicked"},
	"Te":                        {byBrowser, "how the answer may be cut into pieces"},
	"Upgrade-Insecure-Requests": {byBrowser, "that it would rather be sent to https"},
	"User-Agent":                {byBrowser, "which browser it is, on which system"},
	"Via":                       {byProxy, "which proxies it went through"},
	"X-Forwarded-For":           {byProxy, "the address that asked it"},
	"X-Forwarded-Host":          {byProxy, "the site that it was asked for"},
	"X-Forwarded-Port":          {byProxy, "the port that it was asked at"},
	"X-Forwarded-Proto":         {byProxy, "whether it was asked by http or https"},
	"X-Forwarded-Uri":           {byProxy, "the path that it was asked for"},
	"X-Real-Ip":                 {byProxy, "the address that asked it"},
	"X-Request-Id":              {byProxy, "a number to find this request in its log"},
}

// noteOn returns the note about a header, by its canonical name.
func noteOn(name string) headerNote {
	if n, ok := headerNotes[name]; ok {
		return n
	}
	if strings.HasPrefix(name, "Sec-Ch-") {
		return headerNote{byBrowser, "a hint about itself or its screen"}
	}
	return headerNote{"unknown", "a header that few send: a program, an extension or a proxy set it"}
}
