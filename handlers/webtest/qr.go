package webtest

import (
	"image"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// ReadQR returns the text of the QR code in the picture that the site sends. The picture
// must show nothing else: in a photo, the library overlooks the corners of one code in 400.
func ReadQR(t *testing.T, picture image.Image) string {
	t.Helper()
	text, err := decodeQR(picture, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ScanQR returns the text of a QR code that looks takes a photo of, and has looks take
// another one, of another code, when the library overlooks the corners.
func ScanQR(t *testing.T, looks func() image.Image) (text string) {
	t.Helper()
	var err error
	for range 5 {
		if text, err = decodeQR(looks(), nil); err == nil {
			return text
		}
	}
	t.Fatal(err)
	return ""
}

func decodeQR(picture image.Image, hints map[gozxing.DecodeHintType]any) (string, error) {
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", err
	}
	got, err := qrcode.NewQRCodeReader().Decode(bits, hints)
	if err != nil {
		return "", err
	}
	return got.GetText(), nil
}
