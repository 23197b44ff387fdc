;;; aiex-edits.el --- Edits of the server in a buffer  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Positions here are lines and characters, which the server was asked for.

;;; Code:

(defun aiex--position-point (position)
  "Return the point of POSITION, at most the end of its line."
  (goto-char (point-min))
  (forward-line (plist-get position :line))
  (min (line-end-position) (+ (point) (plist-get position :character))))

(defun aiex--make-edits (edits)
  "Make EDITS in the current buffer, as one undo step."
  (undo-boundary)
  (save-excursion
    (save-restriction
      (widen)
      (atomic-change-group
        (let ((group (prepare-change-group))
              (places (mapcar (lambda (one)
                                (let ((range (plist-get one :range)))
                                  (list (copy-marker (aiex--position-point (plist-get range :start)))
                                        (copy-marker (aiex--position-point (plist-get range :end)))
                                        (plist-get one :newText))))
                              edits)))
          (pcase-dolist (`(,start ,end ,text) (nreverse places))
            (goto-char start)
            (delete-region start end)
            (insert text))
          (undo-amalgamate-change-group group)))))
  (undo-boundary))

(provide 'aiex-edits)
;;; aiex-edits.el ends here
