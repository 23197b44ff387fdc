;;; aiex-target.el --- What aiex is asked about  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The place at point as the server wants it, the diagnostic at point, and what
;; is asked of the user about a template.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'aiex-link)

(declare-function flycheck-error-region-for-mode "ext:flycheck")
(declare-function flycheck-error-level "ext:flycheck")
(declare-function flycheck-error-checker "ext:flycheck")
(declare-function flycheck-error-message "ext:flycheck")
(declare-function flycheck-overlay-errors-in "ext:flycheck")
(declare-function flymake-diagnostics "flymake")
(declare-function flymake-diagnostic-beg "flymake")
(declare-function flymake-diagnostic-end "flymake")
(declare-function flymake-diagnostic-text "flymake")
(declare-function flymake-diagnostic-type "flymake")
(declare-function flymake-diagnostic-data "flymake")

(defun aiex--place ()
  "Return the params of the place at point: the region if active, else point."
  (aiex--place-between (if (use-region-p) (region-beginning) (point))
                       (if (use-region-p) (region-end) (point))))

(defun aiex--place-between (start end)
  "Return the params of the place from START to END."
  (let ((link (aiex-link-or-lose)))
    (unless (aiex-link)
      (user-error "This buffer has no server; go to the code first"))
    (aiex-link-flush link)
    (list :textDocument (list :uri (aiex-link-uri link))
          :range (list :start (aiex-link-position link start)
                       :end (aiex-link-position link end)))))

(defun aiex--here-again (act)
  "Return a function that calls ACT with the params of the place at point.
Later calls take the place where it is by then."
  (let ((buffer (current-buffer))
        (start (copy-marker (if (use-region-p) (region-beginning) (point))))
        (end (copy-marker (if (use-region-p) (region-end) (point)) t)))
    (lambda ()
      (unless (buffer-live-p buffer) (user-error "The buffer of that edit is gone"))
      (with-current-buffer buffer
        (funcall act (aiex--place-between start end))))))

(defun aiex--target ()
  "Return how the place at point is called in titles."
  (cond ((use-region-p) "the region")
        ((thing-at-point 'symbol t) (format "`%s'" (thing-at-point 'symbol t)))
        (t (buffer-name))))

(defun aiex--title (verb)
  "Return VERB with what it is about."
  (concat verb " " (aiex--target)))

;;; Diagnostics

(defvar aiex-diagnostic-functions '(aiex--flymake-diagnostics aiex--flycheck-diagnostics)
  "Functions that return the diagnostics of the current line as in LSP.")

(defun aiex--flymake-diagnostics ()
  "Return what flymake knows of the current line."
  (when (bound-and-true-p flymake-mode)
    (mapcar
     (lambda (one)
       (or (cdr (assq 'eglot-lsp-diag
                      (let ((data (flymake-diagnostic-data one))) (and (consp data) data))))
           (list :range (list :start (aiex-link-position (aiex-link) (flymake-diagnostic-beg one))
                              :end (aiex-link-position (aiex-link) (flymake-diagnostic-end one)))
                 :severity (let ((type (format "%s" (flymake-diagnostic-type one))))
                             (cond ((string-match-p "error" type) 1)
                                   ((string-match-p "warn" type) 2)
                                   (t 3)))
                 :source "flymake"
                 :message (flymake-diagnostic-text one))))
     (flymake-diagnostics (line-beginning-position) (min (point-max) (1+ (line-end-position)))))))

(defun aiex--flycheck-diagnostics ()
  "Return what flycheck knows of the current line, where no LSP client told it."
  (when (and (bound-and-true-p flycheck-mode) (not (bound-and-true-p lsp-managed-mode)))
    (mapcar
     (lambda (one)
       (pcase-let ((`(,start . ,end) (flycheck-error-region-for-mode one 'symbols)))
         (list :range (list :start (aiex-link-position (aiex-link) start)
                            :end (aiex-link-position (aiex-link) end))
               :severity (pcase (flycheck-error-level one) ('error 1) ('warning 2) (_ 3))
               :source (format "%s" (flycheck-error-checker one))
               :message (or (flycheck-error-message one) ""))))
     (flycheck-overlay-errors-in (line-beginning-position) (line-end-position)))))

(defun aiex--read-diagnostic ()
  "Return the diagnostic to fix on this line, asked for where there are several."
  (unless (aiex-link) (aiex-link-or-lose) (user-error "This buffer has no server"))
  (let ((found (cl-remove-duplicates
                (mapcan (lambda (function) (copy-sequence (funcall function)))
                        aiex-diagnostic-functions)
                :key (lambda (one) (plist-get one :message)) :test #'equal)))
    (cond ((null found) (user-error "No diagnostic on this line"))
          ((null (cdr found)) (car found))
          (t (let ((chosen (completing-read
                            "Fix: " (mapcar (lambda (one) (plist-get one :message)) found) nil t)))
               (cl-find chosen found :key (lambda (one) (plist-get one :message))
                        :test #'equal))))))

;;; Templates

(defun aiex--read-template ()
  "Return the id of a template that the user chose by its title."
  (let* ((templates (append (aiex-link-call (aiex-link-or-lose) "aiex/templates" nil) nil))
         (named (mapcar (lambda (one)
                          (cons (format "%s  (%s)" (plist-get one :title) (plist-get one :id))
                                (plist-get one :id)))
                        templates)))
    (cdr (assoc (completing-read "Template: " named nil t) named))))

(defun aiex--read-variables (template)
  "Return the variables of TEMPLATE that have to be asked for."
  (let ((values (make-hash-table :test #'equal)))
    (cl-loop for one across (or (plist-get template :variables) [])
             when (and (eq (plist-get one :required) t) (null (plist-get one :default))
                       (equal (plist-get one :type) "string"))
             do (let* ((name (plist-get one :name))
                       (prompt (format "%s: " (or (plist-get one :description) name)))
                       (allowed (append (plist-get one :enum) nil)))
                  (puthash name (if allowed (completing-read prompt allowed nil t)
                                  (read-string prompt))
                           values)))
    values))

(provide 'aiex-target)
;;; aiex-target.el ends here
