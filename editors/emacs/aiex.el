;;; aiex.el --- Explain, review, test and edit code with a model  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: tools, languages

;;; Commentary:

;; Commands for aiex-lsp, the AI language server.  Three ways to it, one to take:
;;
;;   (require 'aiex-lsp-mode) (aiex-lsp-mode-setup)  ; an add-on of lsp-mode
;;   (require 'aiex-beside) (aiex-beside-setup)      ; beside eglot, or alone
;;   (require 'aiex-eglot) (aiex-eglot-setup)        ; as eglot's server
;;
;; `M-x aiex-menu' lists what there is.  No key is bound; bind the map
;; `aiex-command-map' to a prefix of yours:
;;
;;   (global-set-key (kbd "C-c i") aiex-command-map)

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'easymenu)
(require 'aiex-link)
(require 'aiex-show)
(require 'aiex-status)
(require 'aiex-target)
(require 'aiex-tasks)

(defcustom aiex-program '("aiex-lsp" "serve")
  "The server's program and its arguments."
  :group 'aiex
  :type '(repeat string))

(defcustom aiex-settings nil
  "What config.toml may hold, for this editor alone, as a plist.
With a provider that costs money take (:hover (:mode \"cached\")): eldoc hovers
whenever point rests."
  :group 'aiex
  :type '(plist :key-type symbol :value-type sexp))

(defun aiex-initialization-options ()
  "Return what the server is told at its start."
  (list :aiex (list :showMarkdown t :providerHealth t)
        :settings (or aiex-settings (make-hash-table))))

;;;###autoload
(defun aiex-explain (&optional level)
  "Explain the symbol at point or the region; with a prefix ask for the LEVEL."
  (interactive
   (list (and current-prefix-arg
              (completing-read "Level: " '("brief" "standard" "detailed") nil t))))
  (aiex-ask (aiex-link-or-lose) (aiex--title "Explain") "aiex/explain"
            (append (aiex--place) (and level (list :level level)))))

;;;###autoload
(defun aiex-analyze (type)
  "Review the symbol at point or the region for TYPE; findings are diagnostics."
  (interactive
   (list (completing-read "Analyze (default general): "
                          '("general" "performance" "security" "maintainability")
                          nil t nil nil "general")))
  (aiex-ask (aiex-link-or-lose) (aiex--title "Analyze") "aiex/analyze"
            (append (aiex--place) (list :analysisType type))))

;;;###autoload
(defun aiex-generate-tests ()
  "Write tests for the function at point, where the project keeps its tests."
  (interactive)
  (aiex--change-here (aiex--title "Generate tests") "aiex/generateTests"))

;;;###autoload
(defun aiex-fix (diagnostic)
  "Fix DIAGNOSTIC, by default the one at point."
  (interactive (list (aiex--read-diagnostic)))
  (aiex--change-here (concat "Fix " (car (split-string (plist-get diagnostic :message) "\n")))
                     "aiex/fix" :diagnostic diagnostic))

;;;###autoload
(defun aiex-document ()
  "Write the documentation of the symbol at point."
  (interactive)
  (aiex--change-here (aiex--title "Document") "aiex/document"))

;;;###autoload
(defun aiex-refactor (instruction)
  "Change the symbol at point or the region by INSTRUCTION, else make it clearer."
  (interactive (list (plist-get (aiex--instruction) :instruction)))
  (apply #'aiex--change-here (aiex--title "Refactor") "aiex/refactor"
         (when instruction (list :instruction instruction))))

;;;###autoload
(defun aiex-run (template)
  "Run TEMPLATE, by id, on the symbol at point or the region."
  (interactive (list (aiex--read-template)))
  (let* ((link (aiex-link-or-lose))
         (known (cl-find template (aiex-link-call link "aiex/templates" nil)
                         :key (lambda (one) (plist-get one :id)) :test #'equal))
         (more (list :template template :variables (aiex--read-variables known)))
         (title (format "%s %s" (or (plist-get known :title) template) (aiex--target))))
    (if (member (plist-get known :responseType) '("code_generation" "test_generation"))
        (apply #'aiex--change-here title "aiex/run" more)
      (aiex-ask link title "aiex/run" (append (aiex--place) more)))))

;;;###autoload
(defun aiex-follow-up (question)
  "Ask QUESTION about the answer shown."
  (interactive (list (read-string "Follow up: ")))
  (let ((answer (cl-find-if #'aiex-answer-id
                            (delq nil (cons (aiex--shown-answer) aiex--answers)))))
    (unless answer (user-error "No answer to follow up: explain something first"))
    (let ((link (aiex-answer-link answer))) ; another server does not know it
      (aiex-ask (if (and link (aiex-link-live-p link)) link (aiex-link-or-lose))
                question "aiex/followUp"
                (list :answerId (aiex-answer-id answer) :question question)))))

;;;###autoload
(defun aiex-cancel ()
  "Stop what aiex is doing: the answer shown, else the latest work."
  (interactive)
  (let ((work (or (when-let ((answer (aiex--shown-answer)))
                    (and (derived-mode-p 'special-mode 'gfm-view-mode) (aiex-answer-work answer)))
                  (car aiex--works))))
    (unless work (user-error "Nothing is under way"))
    (aiex-work-cancel work)
    (message "aiex: %s: cancelling" (aiex-work-title work))))

;;;###autoload
(defun aiex-clear-findings (&optional all)
  "Remove the findings of analyses from this file; with a prefix, ALL."
  (interactive "P")
  (let ((link (aiex-link-or-lose)))
    (aiex-link-call link "aiex/clearFindings"
                    (unless all (list :textDocument (list :uri (aiex-link-uri link)))))))

;;;###autoload
(defun aiex-show-prompt (task)
  "Show to the byte what TASK would send for the place at point; nothing is sent."
  (interactive
   (list (completing-read "What would be sent for: "
                          '("explain" "analyze" "generateTests" "document" "refactor" "fix")
                          nil t)))
  (let* ((more (when (equal task "fix") (list :diagnostic (aiex--read-diagnostic))))
         (result (aiex-link-call (aiex-link-or-lose) "aiex/renderPrompt"
                                 (append (list :task task) more (aiex--place)))))
    (aiex-show-report "*aiex prompt*" (aiex--prompt-text result))))

;;; Where to find it

(defvar aiex-command-map
  (let ((map (make-sparse-keymap)))
    (pcase-dolist (`(,key . ,command)
                   '(("e" . aiex-explain) ("a" . aiex-analyze) ("t" . aiex-generate-tests)
                     ("f" . aiex-fix) ("d" . aiex-document) ("r" . aiex-refactor)
                     ("x" . aiex-run) ("q" . aiex-follow-up) ("o" . aiex-answer-show) ("k" . aiex-cancel)
                     ("g" . aiex-again) ("s" . aiex-status) ("p" . aiex-select-provider)
                     ("h" . aiex-check-health) ("w" . aiex-show-prompt) ("u" . aiex-usage)
                     ("D" . aiex-doctor) ("c" . aiex-clear-findings) ("m" . aiex-menu)))
      (define-key map key command))
    map)
  "Commands of aiex, for a prefix key of yours.")
(fset 'aiex-command-map aiex-command-map)

(defvar aiex-mode-map (make-sparse-keymap)
  "Keys of `aiex-mode'; empty, for yours.")

(easy-menu-define aiex-mode-menu aiex-mode-map "What aiex can do."
  '("aiex"
    ["Explain" aiex-explain] ["Analyze…" aiex-analyze]
    ["Generate tests" aiex-generate-tests] ["Fix diagnostic" aiex-fix]
    ["Document" aiex-document] ["Refactor…" aiex-refactor] ["Run template…" aiex-run]
    "--"
    ["Follow up…" aiex-follow-up] ["Show answer" aiex-answer-show] ["Cancel" aiex-cancel] ["Run again" aiex-again]
    ["Clear findings" aiex-clear-findings] ["Show prompt…" aiex-show-prompt]
    "--"
    ["Status" aiex-status] ["Choose provider…" aiex-select-provider]
    ["Check providers" aiex-check-health] ["Usage" aiex-usage] ["Doctor" aiex-doctor]))

;;;###autoload
(defun aiex-menu ()
  "Choose what aiex shall do."
  (interactive)
  (let ((completion-extra-properties
         (list :annotation-function
               (lambda (name)
                 (concat "  " (car (split-string (or (documentation (intern name)) "") "\n"))))))
        commands)
    (map-keymap (lambda (_ command) (push (symbol-name command) commands)) aiex-command-map)
    (let ((chosen (completing-read "aiex: " (delete "aiex-menu" (sort commands #'string<)) nil t)))
      (call-interactively (intern chosen)))))

;;;###autoload
(define-minor-mode aiex-mode
  "Show in the mode line how aiex is, and its menu in the menu bar."
  :lighter (:eval (aiex-mode-line))
  :keymap aiex-mode-map)

;; A restored desktop would turn these on where nothing serves yet.
(with-eval-after-load 'desktop
  (defvar desktop-minor-mode-table)
  (dolist (mode '(aiex-mode aiex-beside-mode))
    (add-to-list 'desktop-minor-mode-table (list mode nil))))

(provide 'aiex)
;;; aiex.el ends here
