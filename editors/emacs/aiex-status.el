;;; aiex-status.el --- How aiex and its providers are  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The mode line's text, and what the server tells of providers, usage and setup.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'aiex-link)
(require 'aiex-show)

(declare-function aiex-menu "aiex")

(defvar aiex--health (make-hash-table :test #'eq :weakness 'key)
  "The last aiex/providerHealth of each link, a plist.")

(defvar aiex-status-hook nil
  "Run when the state of the providers has changed.")

(defun aiex--take-health (link params)
  "Take PARAMS of an aiex/providerHealth of LINK."
  (puthash link params aiex--health)
  (run-hooks 'aiex-status-hook)
  (force-mode-line-update t))

(defun aiex--health-here ()
  "Return what this buffer's server told of its providers, nil without one."
  (let* ((aiex-link-idle t)
         (link (aiex-link)))
    (and link (aiex-link-live-p link) (gethash link aiex--health))))

(defvar aiex--mode-line-map
  (let ((map (make-sparse-keymap)))
    (define-key map [mode-line mouse-1] #'aiex-menu-of-window)
    map)
  "Mouse of the mode line.")

(defun aiex-menu-of-window (event)
  "Choose what aiex shall do in the window whose mode line EVENT is on."
  (interactive "e")
  (select-window (posn-window (event-start event)))
  (aiex-menu))

(defun aiex-mode-line ()
  "Return what the mode line shows: provider, health, work under way."
  (let* ((summary (plist-get (aiex--health-here) :summary))
         (severity (plist-get summary :severity)))
    (propertize
     (concat " aiex" (if summary (concat ":" (plist-get summary :text)) ""))
     'face (cond ((equal severity "error") 'error)
                 ((equal severity "warning") 'warning)
                 (t nil))
     'help-echo (concat (or (plist-get summary :tooltip) "aiex: nothing known yet")
                        "\nmouse-1: menu")
     'mouse-face 'mode-line-highlight
     'local-map aiex--mode-line-map)))

(defun aiex--providers-text (providers)
  "Return PROVIDERS, the server's list, as a table."
  (concat
   (format "%-16s %-10s %-9s %8s  %s\n" "provider" "status" "circuit" "ms" "model")
   (mapconcat
    (lambda (one)
      (concat
       (format "%-16s %-10s %-9s %8s  %s\n"
               (plist-get one :provider) (plist-get one :status)
               (plist-get (plist-get one :circuit) :state)
               (if-let ((ms (plist-get one :responseTimeMs))) (round ms) "–")
               (or (plist-get one :model) "–"))
       (aiex--left "requests" (plist-get (plist-get one :rateLimit) :requests))
       (aiex--left "tokens" (plist-get (plist-get one :rateLimit) :tokens))
       (if-let ((problem (plist-get one :error))) (format "    %s\n" problem) "")))
    providers "")))

(defun aiex--left (what limit)
  "Return how much of LIMIT is left of WHAT, nothing where it is unlimited."
  (if (plist-get limit :limit)
      (format "    %s of %s %s a minute left\n"
              (plist-get limit :remaining) (plist-get limit :limit) what)
    ""))

;;;###autoload
(defun aiex-status ()
  "Show each provider: health, circuit, limits, model; asks none of them."
  (interactive)
  (let ((providers (aiex-link-call (aiex-link-or-lose) "aiex/providers" nil)))
    (aiex-show-report "*aiex status*" (aiex--providers-text providers))))

;;;###autoload
(defun aiex-check-health ()
  "Ask each provider now whether it works, and show it."
  (interactive)
  (message "aiex: checking the providers…")
  (aiex-link-request
   (aiex-link-or-lose) "aiex/checkHealth" nil
   (lambda (providers)
     (message "aiex: checked")
     (aiex-show-report "*aiex status*" (aiex--providers-text providers)))
   (lambda (problem) (message "aiex: %s" (aiex--problem problem)))))

;;;###autoload
(defun aiex-select-provider (provider &optional model)
  "Use PROVIDER and MODEL from now on; nil for PROVIDER: as configured."
  (interactive (aiex--read-model))
  (let ((selection (aiex-link-call (aiex-link-or-lose) "aiex/selectProvider"
                                   (list :provider provider :model model))))
    (message "aiex: %s" (string-join
                         (or (delq nil (list (plist-get selection :provider)
                                             (plist-get selection :model)))
                             '("as configured"))
                         " · "))))

(defun aiex--read-model ()
  "Return provider and model as the user chose them."
  (let* ((models (append (aiex-link-call (aiex-link-or-lose) "aiex/models" nil) nil))
         (named (cons
                 '("as configured" nil nil)
                 (append
                  (mapcar (lambda (provider) (list provider provider nil))
                          (delete-dups (mapcar (lambda (one) (plist-get one :provider)) models)))
                  (mapcar (lambda (one)
                            (list (format "%s / %s" (plist-get one :provider) (plist-get one :id))
                                  (plist-get one :provider) (plist-get one :id)))
                          models)))))
    (cdr (assoc (completing-read "Provider: " named nil t) named))))

;;;###autoload
(defun aiex-doctor ()
  "Show what is wrong with the setup, and how to fix it."
  (interactive)
  (message "aiex: looking at the setup…")
  (aiex-link-request
   (aiex-link-or-lose) "aiex/diagnoseConfig" nil
   (lambda (result)
     (aiex-show-report
      "*aiex doctor*"
      (mapconcat
       (lambda (check)
         (concat (format "%-8s %s%s\n" (plist-get check :status)
                         (if-let ((name (plist-get check :provider))) (concat name ": ") "")
                         (plist-get check :message))
                 (if (string-empty-p (or (plist-get check :remedy) "")) ""
                   (format "         → %s\n" (plist-get check :remedy)))))
       (plist-get result :checks) "")))
   (lambda (problem) (message "aiex: %s" (aiex--problem problem)))))

;;;###autoload
(defun aiex-usage (days)
  "Show what was asked, how it went and what it cost over DAYS (7)."
  (interactive (list (if current-prefix-arg (prefix-numeric-value current-prefix-arg) 7)))
  (let ((usage (aiex-link-call (aiex-link-or-lose) "aiex/usage" (list :days days))))
    (aiex-show-report
     "*aiex usage*"
     (concat
      (format "Last %d days\n\n%-24s %9s %7s %10s %10s %9s\n"
              days "" "requests" "failed" "tokens in" "out" "cost")
      (mapconcat
       (lambda (row)
         (format "%-24s %9s %7s %10s %10s %9s\n" (car row)
                 (plist-get (cdr row) :requests) (plist-get (cdr row) :failures)
                 (plist-get (cdr row) :inputTokens) (plist-get (cdr row) :outputTokens)
                 (if (numberp (plist-get (cdr row) :cost))
                     (format "$%.4f" (plist-get (cdr row) :cost))
                   "–")))
       (append (mapcar (lambda (one) (cons (plist-get one :provider) one))
                       (plist-get usage :providers))
               (list (cons "all" (plist-get usage :total))))
       "")))))

(defun aiex--prompt-text (result)
  "Return RESULT of aiex/renderPrompt for reading."
  (concat
   (format "%s · %s · %s tokens%s\n" (plist-get result :provider) (plist-get result :model)
           (plist-get result :inputTokens)
           (if (numberp (plist-get result :estimatedCost))
               (format " · about $%.4f" (plist-get result :estimatedCost)) ""))
   (if (seq-empty-p (plist-get result :redactions)) ""
     (format "redacted: %s\n" (mapconcat (lambda (one) (format "%s" one))
                                         (plist-get result :redactions) ", ")))
   (mapconcat (lambda (one)
                (format "\n──── %s ────\n%s\n" (plist-get one :role) (plist-get one :content)))
              (plist-get result :messages) "")))

(provide 'aiex-status)
;;; aiex-status.el ends here
