;;; aiex-findings.el --- Findings of aiex among flymake's diagnostics  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; For a server that no LSP client holds: what it publishes about a buffer is
;; shown by flymake, beside what others report there.

;;; Code:

(require 'flymake)
(require 'aiex-edits)

(defvar-local aiex-findings--report nil
  "How flymake is told of findings.")

(defvar-local aiex-findings nil
  "What the server published about this buffer.")

(defun aiex-findings--flymake (report &rest _)
  "Tell flymake of findings, now and later, by REPORT."
  (setq aiex-findings--report report)
  (aiex-findings--report-all))

(defun aiex-findings-tell ()
  "Have flymake show the findings there are, whether or not it has asked before."
  (cond ((not flymake-mode))
        ((memq #'aiex-findings--flymake (flymake-running-backends)) (aiex-findings--report-all))
        (t (flymake-start))))

(defun aiex-findings--report-all ()
  "Tell flymake of the findings there are."
  (save-excursion
    (save-restriction
      (widen)
      (funcall
       aiex-findings--report
       (mapcar (lambda (one)
                 (let ((range (plist-get one :range)))
                   (flymake-make-diagnostic
                    (current-buffer)
                    (aiex--position-point (plist-get range :start))
                    (aiex--position-point (plist-get range :end))
                    (pcase (plist-get one :severity) (1 :error) (2 :warning) (_ :note))
                    (format "aiex: %s" (plist-get one :message))
                    (list (cons 'eglot-lsp-diag one)))))
               aiex-findings)
       :region (cons (point-min) (point-max))))))

(provide 'aiex-findings)
;;; aiex-findings.el ends here
