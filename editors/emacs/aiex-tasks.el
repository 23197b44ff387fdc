;;; aiex-tasks.el --- Answers that stream, edits that land  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The two kinds of task: one answers with a text, which streams into the buffer
;; of answers; one changes code, by an edit the server sends when it is ready.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'url-util)
(require 'aiex-link)
(require 'aiex-show)
(require 'aiex-target)

(defcustom aiex-show-tests t
  "Non-nil: show the file that generated tests were written to."
  :group 'aiex
  :type 'boolean)

(defvar aiex--last-edit nil
  "How the last editing command is run again.")

(defun aiex-ask (link title method params)
  "Have METHOD with PARAMS answered over LINK, as it comes, under TITLE."
  (let* ((answer (aiex-show-begin title link))
         (work (aiex-work-start
                link method params :title title
                :delta (lambda (piece) (aiex-show-add answer piece))
                :restart (lambda (provider)
                           (aiex-show-text answer "" (format "begun anew: %s" provider)))
                :report (lambda (text) (setf (aiex-answer-state answer) text)
                          (force-mode-line-update t))
                :done (lambda (result)
                        (let ((about (plist-get result :answer)))
                          (setf (aiex-answer-work answer) nil
                                (aiex-answer-id answer) (plist-get about :id))
                          (aiex-show-text answer (or (plist-get result :markdown)
                                                     (aiex-answer-text answer))
                                          (aiex--footer about))))
                :failed (lambda (text _)
                          (setf (aiex-answer-work answer) nil)
                          (aiex-show-text answer (aiex-answer-text answer) text)
                          (message "aiex: %s: %s" title text)))))
    (setf (aiex-answer-work answer) work)))

(defun aiex-change (link title method params)
  "Have METHOD with PARAMS make its edit over LINK, under TITLE."
  (message "aiex: %s…" title)
  (aiex-work-start
   link method params :title title :command t
   :report (lambda (text) (message "aiex: %s: %s" title text))
   :done (lambda (result)
           (if (not (eq (plist-get result :applied) t))
               (message "aiex: %s: nothing was changed" title)
             (message "aiex: %s: done (%s)" title (aiex--footer (plist-get result :answer)))
             (when (and aiex-show-tests (equal method "aiex/generateTests"))
               (when-let* ((path (aiex--path (plist-get result :targetUri)))
                           (buffer (find-buffer-visiting path)))
                 (display-buffer buffer)))))
   :failed (lambda (text _)
             (message "aiex: %s: %s (M-x aiex-again runs it again)" title text))))

(defun aiex--path (uri)
  "Return the path of the file URI."
  (when (and uri (string-prefix-p "file://" uri))
    (decode-coding-string (url-unhex-string (substring uri 7)) 'utf-8)))

(defun aiex--change-here (title method &rest more)
  "Have METHOD edit the place at point, with MORE params, under TITLE."
  (let ((run (aiex--here-again
              (lambda (params)
                (aiex-change (aiex-link-or-lose) title method (append params more))))))
    (setq aiex--last-edit run)
    (funcall run)))

(defun aiex-again ()
  "Run the last editing command again, where its place is now."
  (interactive)
  (unless aiex--last-edit (user-error "Nothing was edited yet"))
  (funcall aiex--last-edit))

(defconst aiex--commands
  '(("aiex/explain" tells "Explain") ("aiex/analyze" tells "Analyze")
    ("aiex/generateTests" changes "Generate tests") ("aiex/fix" changes "Fix")
    ("aiex/document" changes "Document") ("aiex/refactor" changes "Refactor"))
  "Commands of code actions: whether they tell or change, and their title.")

(defun aiex--instruction ()
  "Return the params of the instruction the user gives for a refactoring."
  (let ((instruction (read-string "Refactor (empty: make it clearer): ")))
    (unless (string-blank-p instruction) (list :instruction instruction))))

(defun aiex-execute (link command arguments)
  "Do COMMAND of a code action with its ARGUMENTS over LINK, without waiting.
Return nil where it is no command of aiex."
  (let* ((name (format "%s" command))
         (params (and (> (length arguments) 0) (aref arguments 0))))
    (pcase (cdr (assoc name aiex--commands))
      (`(tells ,title) (aiex-ask link title name params) t)
      (`(changes ,title)
       (aiex-change link title name
                    (append params (when (equal name "aiex/refactor") (aiex--instruction))))
       t)
      (_ (when (string-prefix-p "aiex/" name)
           (aiex-link-request link "workspace/executeCommand"
                              (list :command name :arguments arguments)
                              #'ignore
                              (lambda (problem) (message "aiex: %s" (aiex--problem problem))))
           t)))))

(provide 'aiex-tasks)
;;; aiex-tasks.el ends here
