// Package process tests the built program as a process: started, killed, without disk
// space or database, with raw bytes on its connections, and the lab and the look of every
// page in Chromium. It contains only tests, which see what a person at a shell and a
// browser sees.
package process
