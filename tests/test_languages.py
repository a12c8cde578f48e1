"""The words of each language: what asks for prayer, what does not, and how days are written."""

from dataclasses import dataclass

import pytest

from newsletter.bulletin import Bulletin, Paragraph, read_bulletin
from newsletter.bulletin.words import KEYS, KNOWN, words_of
from newsletter.rendering import Slot, Templates, render
from newsletter.site import shipped_templates
from tests.bulletins import LOOK


@dataclass(frozen=True)
class Language:
    """What a bulletin in one language may hold."""

    petitions: list[str]
    thanks: list[str]
    mixed: list[str]
    near_misses: list[str]  # list items that ask for nothing
    prayer_headings: list[str]
    thanks_headings: list[str]
    other_headings: list[str]
    days: dict[str, str | None]  # as it begins a point -> date in 2026, None where it is none
    residue: list[str]
    not_residue: list[str]
    salutation: str
    leads: list[str]  # with "|" where the first sentence ends


LANGUAGES = {
    "en": Language(
        petitions=[
            "Pray for rain in the north.",
            "Please pray that the road opens.",
            "Ask God to comfort the widow.",
            "May the Lord give wisdom to the elders.",
            "Lord, have mercy on the prisoners.",
            "Remember Sam in your prayers.",
        ],
        thanks=[
            "Give thanks for the harvest.",
            "Praise God that the roof is finished.",
            "Thank you, Lord, for the nurses.",
            "We are grateful for safe journeys.",
        ],
        mixed=[
            "We praise God for the conference and ask him for strength.",
            "Thank God for the nurses and pray that they stay.",
        ],
        near_misses=[
            "3 May: prayer meeting",
            "Thursday, choir practice",
            "The prayer letter comes out in June",
            "Thanks to our printers",
            "Office: 12 Long Road",
        ],
        prayer_headings=["Prayer points", "Please pray for:", "🙏 Prayer requests", "[Prayer]"],
        thanks_headings=["Give thanks", "Answers to prayer"],
        other_headings=["Dates for your diary", "News", "Contacts"],
        days={
            "Monday:": None,
            "3 to 5 May:": "2026-05-03/2026-05-05",
            "3rd of May –": "2026-05-03",
            "28 Dec – 3 Jan:": "2026-12-28/2027-01-03",
            "28 Dec – 3 Jan 2027:": "2026-12-28/2027-01-03",
            "28 Dec 2025 – 3 Jan 2026:": "2025-12-28/2026-01-03",
            "3 May 2027 – 9 May 2027:": "2027-05-03/2027-05-09",
            "9–3 May:": "2026-05-09/2026-05-03",
            "3 May (Sunday):": "2026-05-03",
            "[Monday]": None,
        },
        residue=["View this email in your browser", "Sent from my phone", "Page 2 of 3"],
        not_residue=["We sent from my village a letter to the king."],
        salutation="Dear friends!",
        leads=["Pray for Mr. Lee.| He is ill."],
    ),
    "de": Language(
        petitions=[
            "Betet für die Gemeinde in Aleppo.",
            "Bitte betet, dass die Straße offen bleibt.",
            "Beten Sie um Weisheit für die Ältesten.",
            "Lasst uns für den Frieden beten.",
            "Bitten wir Gott um Regen.",
            "Wir beten für die Kranken.",
            "Möge Gott die Familien bewahren.",
            "Herr, erbarme dich über die Gefangenen.",
            "Bitte denkt an Samuel im Gebet.",
        ],
        thanks=[
            "Dankt Gott für die Ernte.",
            "Danke, Herr, für die Krankenschwestern.",
            "Wir danken Gott, dass das Dach fertig ist.",
            "Gott sei Dank für die sichere Reise.",
            "Lobt den Herrn für seine Treue.",
            "Wir sind sehr dankbar für die neuen Lehrer.",
        ],
        mixed=[
            "Wir danken für die Konferenz und bitten um Kraft für die Arbeit.",
            "Dankt Gott für die Schwestern und betet, dass sie bleiben.",
            "Danke Gott für den Regen. Bitte betet um mehr.",
        ],
        near_misses=[
            "Am 12. Mai treffen wir uns zum Gebet",
            "Der Dank gilt allen Helfern",
            "3. Mai: Gebetstreffen",
            "Donnerstag, Chorprobe",
            "Der Gebetsbrief erscheint im Juni",
            "Vielen Dank an unsere Drucker",
            "Büro: Lange Straße 12",
            "Bitte um Anmeldung bis Freitag",
        ],
        prayer_headings=[
            "Gebetsanliegen",
            "Bitte betet für:",
            "Gebetspunkte",
            "Fürbitte",
            "Zum Gebet",
            "Dank und Fürbitte",
        ],
        thanks_headings=["Dank", "Lob und Dank", "Gebetserhörungen"],
        other_headings=["Termine", "Nachrichten aus aller Welt", "Kontakt"],
        days={
            "Montag:": None,
            "Mo –": None,
            "3. Mai:": "2026-05-03",
            "3.–5. Mai:": "2026-05-03/2026-05-05",
            "vom 3. bis 5. Mai:": "2026-05-03/2026-05-05",
            "Sonntag, 3. Mai 2027:": "2027-05-03",
            "Sonntag, den 3. März –": "2026-03-03",
            "3.5.:": "2026-05-03",
            "Tag 1:": None,
            "31. Juni:": None,
        },
        residue=[
            "Diese E-Mail im Browser anzeigen",
            "Diese Nachricht wird in 20 Sekunden geschlossen",
            "Von meinem iPhone gesendet",
            "Weiterlesen …",
        ],
        not_residue=["Sie konnten nicht weiterlesen, weil das Licht ausging."],
        salutation="Liebe Freunde!",
        leads=[
            "Betet für Pfr. Maier und ca. 20 Kinder.| Sie warten.",
            "Betet für Eva, die am 3. Mai operiert wird.| Sie hat Angst.",
        ],
    ),
    "fr": Language(
        petitions=[
            "Prions pour l’Église d’Alep.",
            "Priez que la route reste ouverte.",
            "Merci de prier pour Samuel.",
            "Demandons à Dieu la pluie.",
            "Demandez au Seigneur de consoler la veuve.",
            "Que Dieu garde les familles.",
            "Que le Seigneur donne de la sagesse aux anciens.",
            "Seigneur, aie pitié des prisonniers.",
            "Intercédons pour les malades.",
        ],
        thanks=[
            "Rendons grâce pour la récolte.",
            "Remercions Dieu pour les infirmières.",
            "Merci Seigneur pour le toit terminé.",
            "Louons Dieu pour sa fidélité.",
            "Dieu soit loué pour le voyage.",
            "Nous sommes très reconnaissants pour les nouveaux maîtres.",
        ],
        mixed=[
            "Nous remercions Dieu pour la conférence et nous lui demandons de la force.",
            "Remercions Dieu pour les infirmières et prions qu’elles restent.",
            "Rendons grâce pour la pluie. Demandons encore du soleil.",
        ],
        near_misses=[
            "Nous vous prions d’agréer nos salutations",
            "3 mai : réunion de prière",
            "Jeudi, répétition de la chorale",
            "La lettre de prière paraît en juin",
            "Merci à nos imprimeurs",
            "Bureau : 12, rue Longue",
            "Nous vous prions de vous inscrire avant vendredi",
        ],
        prayer_headings=[
            "Sujets de prière",
            "Prions pour :",
            "Prière",
            "Motifs de prière",
            "Intercession",
            "Louange et prière",
        ],
        thanks_headings=["Actions de grâce", "Sujets de reconnaissance", "Prières exaucées"],
        other_headings=["Dates à retenir", "Nouvelles", "Contacts"],
        days={
            "Lundi :": None,
            "lun. –": None,
            "1er mai :": "2026-05-01",
            "3 mai –": "2026-05-03",
            "Du 3 au 5 mai :": "2026-05-03/2026-05-05",
            "Dimanche 3 mai 2027 :": "2027-05-03",
            "Le lundi 4 août :": "2026-08-04",
            "Jour 1 :": None,
            "31 juin :": None,
        },
        residue=[
            "Voir ce message dans votre navigateur",
            "Cliquez ici pour vous désabonner",
            "Envoyé de mon iPhone",
            "Lire la suite",
        ],
        not_residue=["Il ne pouvait pas lire la suite de la lettre."],
        salutation="Chers amis,",
        leads=["Prions pour M. Martin et env. vingt enfants.| Ils attendent."],
    ),
    "es": Language(
        petitions=[
            "Oremos por la iglesia en Alepo.",
            "Oren para que la carretera siga abierta.",
            "Por favor, oren por Samuel.",
            "Ora por los enfermos.",
            "Pidamos a Dios lluvia para el norte.",
            "Pidan al Señor que consuele a la viuda.",
            "Que Dios guarde a las familias.",
            "Señor, ten piedad de los presos.",
            "Intercedamos por los ancianos.",
        ],
        thanks=[
            "Demos gracias por la cosecha.",
            "Den gracias a Dios por las enfermeras.",
            "Gracias a Dios por el techo terminado.",
            "Alabemos al Señor por su fidelidad.",
            "Damos gracias al Señor por el viaje.",
            "Agradecemos a Dios por los nuevos maestros.",
        ],
        mixed=[
            "Agradecemos a Dios por la conferencia y le pedimos fuerzas.",
            "Demos gracias por las enfermeras y oremos para que se queden.",
            "Gracias a Dios por la lluvia. Pidamos también sol.",
        ],
        near_misses=[
            "La oradora llegó tarde",
            "3 de mayo: reunión de oración",
            "Jueves, ensayo del coro",
            "La carta de oración sale en junio",
            "Muchas gracias a nuestros impresores",
            "Oficina: Calle Larga 12",
            "Se ruega confirmar antes del viernes",
        ],
        prayer_headings=[
            "Motivos de oración",
            "Peticiones",
            "Oremos por:",
            "Oración",
            "Puntos de oración",
            "Gratitud y peticiones",
        ],
        thanks_headings=["Acción de gracias", "Motivos de gratitud", "Oraciones contestadas"],
        other_headings=["Fechas importantes", "Noticias", "Contacto"],
        days={
            "Lunes:": None,
            "mié.:": None,
            "3 de mayo:": "2026-05-03",
            "Del 3 al 5 de mayo –": "2026-05-03/2026-05-05",
            "Domingo, 3 de mayo de 2027:": "2027-05-03",
            "1º de agosto:": "2026-08-01",
            "Mar 3 mar:": "2026-03-03",
            "Día 1:": None,
            "31 de junio:": None,
        },
        residue=[
            "Ver este correo en su navegador",
            "Haga clic aquí para darse de baja",
            "Enviado desde mi iPhone",
            "Leer más",
        ],
        not_residue=["Los niños quieren leer más libros en la escuela nueva."],
        salutation="Queridos hermanos:",
        leads=["Oremos por el Sr. López y aprox. veinte niños.| Esperan."],
    ),
    "pt": Language(
        petitions=[
            "Oremos pela igreja em Alepo.",
            "Orem para que a estrada continue aberta.",
            "Por favor, ore por Samuel.",
            "Peçamos a Deus chuva para o norte.",
            "Peça ao Senhor que console a viúva.",
            "Que Deus guarde as famílias.",
            "Senhor, tem misericórdia dos presos.",
            "Interceda pelos doentes.",
            "Clamemos por paz na região.",
        ],
        thanks=[
            "Demos graças pela colheita.",
            "Agradeçam a Deus pelas enfermeiras.",
            "Graças a Deus pelo telhado pronto.",
            "Louvemos ao Senhor pela sua fidelidade.",
            "Somos muito gratos a Deus pela viagem.",
            "Obrigado, Senhor, pelos novos professores.",
        ],
        mixed=[
            "Agradecemos a Deus pela conferência e pedimos forças.",
            "Agradeçamos a Deus pelas enfermeiras e oremos para que fiquem.",
            "Louvado seja Deus pela chuva. Peçamos também sol.",
        ],
        near_misses=[
            "Obrigado a todos os voluntários",
            "3 de maio: reunião de oração",
            "Quinta-feira, ensaio do coro",
            "A carta de oração sai em junho",
            "Muito obrigado aos nossos impressores",
            "Escritório: Rua Longa, 12",
            "Pedimos desculpas pelo atraso",
        ],
        prayer_headings=[
            "Motivos de oração",
            "Pedidos de oração",
            "Oremos por:",
            "Oração",
            "Intercessão",
            "Gratidão e pedidos",
        ],
        thanks_headings=["Ações de graças", "Motivos de gratidão", "Orações respondidas"],
        other_headings=["Datas importantes", "Notícias", "Contatos"],
        days={
            "Segunda-feira:": None,
            "Seg:": None,
            "3 de maio:": "2026-05-03",
            "De 3 a 5 de maio –": "2026-05-03/2026-05-05",
            "Domingo, 3 de maio de 2027:": "2027-05-03",
            "1º de agosto:": "2026-08-01",
            "Dia 1:": None,
            "31 de junho:": None,
        },
        residue=[
            "Ver este e-mail no seu navegador",
            "Clique aqui para cancelar a inscrição",
            "Enviado do meu iPhone",
            "Leia mais",
        ],
        not_residue=["As crianças querem ler mais livros na escola nova."],
        salutation="Queridos irmãos,",
        leads=["Oremos pelo Sr. Lopes e aprox. vinte crianças.| Esperam."],
    ),
    "ar": Language(
        petitions=[
            "صلّوا من أجل الكنيسة في حلب.",
            "صلوا لأجل المرضى.",
            "لنصلِّ من أجل السلام.",
            "نصلي أن يبقى الطريق مفتوحًا.",
            "اطلبوا من الله المطر.",
            "نسأل الله أن يعزي الأرملة.",
            "يا رب ارحم السجناء.",
            "ليبارك الرب العائلات.",
            "اذكروا سامي في صلواتكم.",
        ],
        thanks=[
            "نشكر الله على الحصاد.",
            "اشكروا الرب من أجل الممرضات.",
            "الشكر لله لأن السقف قد اكتمل.",
            "نحمد الله على سلامة الرحلة.",
            "الحمد لله على أمانته.",
            "سبّحوا الرب من أجل المعلمين الجدد.",
        ],
        mixed=[
            "نشكر الله على المؤتمر ونطلب منه القوة.",
            "نشكر الله على الممرضات ونصلي أن يبقين.",
            "اشكروا الله على المطر. صلوا من أجل الشمس.",
        ],
        near_misses=[
            "شكرًا لجميع المتطوعين",
            "3 مايو: اجتماع الصلاة",
            "الخميس، تدريب الجوقة",
            "رسالة الصلاة تصدر في يونيو",
            "شكرا لأصدقائنا في المطبعة",
            "المكتب: شارع الطويل 12",
        ],
        prayer_headings=[
            "طلبات الصلاة",
            "مواضيع الصلاة:",
            "صلّوا من أجل:",
            "للصلاة",
            "نقاط للصلاة",
            "شكر وطلبات",
        ],
        thanks_headings=["شكر", "أسباب الشكر", "الصلوات المستجابة"],
        other_headings=["مواعيد هامة", "أخبار", "اتصل بنا"],
        days={
            "الاثنين:": None,
            "يوم الإثنين:": None,
            "3 مايو:": "2026-05-03",
            "٣ أيار:": "2026-05-03",
            "٣ أيار/مايو ٢٠٢٧:": "2027-05-03",
            "من 3 إلى 5 مايو:": "2026-05-03/2026-05-05",
            "الأحد، 3 كانون الثاني –": "2026-01-03",
            "3 آب:": "2026-08-03",
            "اليوم الأول:": None,
            "31 حزيران:": None,
        },
        residue=[
            "عرض هذه الرسالة في المتصفح",
            "انقر هنا",
            "إلغاء الاشتراك",
            "اقرأ المزيد",
        ],
        not_residue=["أراد الأولاد أن يقرأوا المزيد من الكتب في المدرسة."],
        salutation="أصدقاءنا الأعزاء،",
        leads=["هل سامي بخير؟| صلوا من أجله."],
    ),
    "fa": Language(
        petitions=[
            "برای کلیسا در شمال دعا کنید.",
            "لطفاً برای بیماران دعا کنید.",
            "دعا کنیم که راه باز بماند.",
            "از خداوند بخواهیم باران بفرستد.",
            "از خدا برای بیوه‌زن تسلی بطلبید.",
            "باشد که خدا خانواده‌ها را حفظ کند.",
            "خداوندا، بر زندانیان رحم کن.",
            "دعا برای صلح در منطقه.",
            "برای مشایخ دعا می‌کنیم.",
        ],
        thanks=[
            "خدا را برای محصول شکر کنید.",
            "خداوند را شکر می‌کنیم که سقف تمام شد.",
            "خدا را شکر برای سفر امن.",
            "برای پرستاران شکرگزاری کنید.",
            "شکرگزاریم برای معلمان تازه.",
            "خداوند را برای وفاداری‌اش ستایش کنیم.",
        ],
        mixed=[
            "خدا را برای کنفرانس شکر می‌کنیم و از او قوت می‌طلبیم.",
            "خدا را برای پرستاران شکر کنید و دعا کنید که بمانند.",
            "خدا را برای باران شکر. برای آفتاب دعا کنید.",
        ],
        near_misses=[
            "تشکر از همه داوطلبان",
            "۳ مه: جلسه دعا",
            "پنجشنبه، تمرین گروه سرود",
            "نامه دعا در ژوئن منتشر می‌شود",
            "با تشکر از چاپخانه",
            "دفتر: خیابان بلند ۱۲",
        ],
        prayer_headings=[
            "موضوعات دعا",
            "موارد دعا:",
            "برای دعا",
            "درخواست‌های دعا",
            "دعا کنید",
            "دعا و شکرگزاری",
        ],
        thanks_headings=["شکرگزاری", "موارد شکرگزاری", "پاسخ دعا"],
        other_headings=["تاریخ‌های مهم", "اخبار", "تماس با ما"],
        days={
            "دوشنبه:": None,
            "سه‌شنبه:": None,
            "۳ مه:": "2026-05-03",
            "3 مه:": "2026-05-03",
            "۳ تا ۵ مه:": "2026-05-03/2026-05-05",
            "یکشنبه ۳ ژانویه ۲۰۲۷ –": "2027-01-03",
            "۱۳ اردیبهشت:": None,
            "روز اول:": None,
            "پنج شنبه:": None,
        },
        residue=[
            "مشاهده این ایمیل در مرورگر",
            "اینجا کلیک کنید",
            "لغو عضویت",
            "ادامه مطلب",
        ],
        not_residue=["بچه‌ها ادامه مطلب را در مدرسه خواندند."],
        salutation="دوستان عزیز،",
        leads=["آیا سامان خوب است؟| دعا کنید."],
    ),
    "ur": Language(
        petitions=[
            "شمال کی کلیسیا کے لیے دعا کریں۔",
            "براہ کرم بیماروں کے لئے دعا کیجیے۔",
            "دعا کریں کہ راستہ کھلا رہے۔",
            "خدا سے بارش مانگیں۔",
            "خداوند سے درخواست کریں کہ بیوہ کو تسلی دے۔",
            "خدا کرے کہ خاندان محفوظ رہیں۔",
            "اے خداوند، قیدیوں پر رحم کر۔",
            "بزرگوں کے لیے شفاعت کریں۔",
            "سموئیل کو اپنی دعاؤں میں یاد رکھیں۔",
        ],
        thanks=[
            "فصل کے لیے خدا کا شکر کریں۔",
            "خداوند کا شکر ادا کریں کہ چھت مکمل ہو گئی۔",
            "نرسوں کے لیے خدا کا شکر ہو۔",
            "خداوند کی تعریف ہو۔",
            "ہم خدا کے شکرگزار ہیں۔",
            "نئے اساتذہ کے لیے شکرگزاری کریں۔",
        ],
        mixed=[
            "نرسوں کے لیے خدا کا شکر کریں اور دعا کریں کہ وہ ٹھہریں۔",
            "بارش کے لیے خدا کا شکر ہو۔ دھوپ کے لیے دعا کریں۔",
        ],
        near_misses=[
            "تمام رضاکاروں کا شکریہ",
            "3 مئی: دعائیہ اجتماع",
            "جمعرات، گیتوں کی مشق",
            "دعائیہ خط جون میں آئے گا",
            "چھاپنے والوں کا شکریہ",
            "دفتر: لمبی سڑک 12",
        ],
        prayer_headings=[
            "دعا کے نکات",
            "دعائیہ درخواستیں:",
            "دعا کریں",
            "برائے دعا",
            "دعا",
            "شکرگزاری اور دعا",
        ],
        thanks_headings=["شکرگزاری", "شکرگزاری کی باتیں", "دعاؤں کے جواب"],
        other_headings=["اہم تاریخیں", "خبریں", "رابطہ"],
        days={
            "پیر:": None,
            "اتوار:": None,
            "3 مئی:": "2026-05-03",
            "۳ مئی:": "2026-05-03",
            "3 تا 5 مئی:": "2026-05-03/2026-05-05",
            "3 جنوری 2027 –": "2027-01-03",
            "بروز پیر:": None,
            "پہلا دن:": None,
        },
        residue=[
            "اس ای میل کو براؤزر میں دیکھیں",
            "یہاں کلک کریں",
            "مزید پڑھیں",
        ],
        not_residue=["بچے اسکول میں مزید پڑھیں گے اور لکھیں گے۔"],
        salutation="عزیز دوستو،",
        leads=["کیا سموئیل ٹھیک ہے؟| دعا کریں۔", "دعا کریں۔| وہ بیمار ہے۔"],
    ),
    "ko": Language(
        petitions=[
            "북쪽 교회를 위해 기도해 주세요.",
            "길이 열리도록 기도합니다.",
            "환자들을 위하여 함께 기도합시다.",
            "과부를 위로하여 주소서.",
            "장로들에게 지혜를 주시옵소서.",
            "하나님께서 비를 내려 주시기를",
            "가정들이 보호받을 수 있도록",
            "평화를 위한 기도를 부탁드립니다.",
            "기도: 갇힌 이들의 석방",
        ],
        thanks=[
            "추수를 인해 감사드립니다.",
            "지붕이 완성되어 하나님께 감사합니다.",
            "감사: 세 가정을 인해 감사드립니다.",
            "신실하신 하나님을 찬양합니다.",
            "간호사들을 보내 주심에 감사합니다.",
            "하나님께 영광을 돌립니다.",
        ],
        mixed=[
            "컨퍼런스를 마치게 하심에 감사드리고, 새 힘을 주시도록 기도합니다.",
            "간호사들을 인해 감사드리며, 그들이 머물도록 기도해 주세요.",
            "비를 주셔서 감사합니다. 햇빛을 위해 기도해 주세요.",
        ],
        near_misses=[
            "다음 주 수요일 수련회가 있습니다",
            "5월 3일: 기도회",
            "목요일, 찬양대 연습",
            "기도편지는 6월에 나옵니다",
            "사무실: 긴길 12",
            "금요일 저녁 기도모임",
        ],
        prayer_headings=[
            "기도 제목",
            "기도제목:",
            "함께 기도해 주세요",
            "중보기도",
            "<기도 제목>",
            "감사와 기도",
        ],
        thanks_headings=["감사 제목", "감사", "기도 응답"],
        other_headings=["일정", "선교 소식", "연락처"],
        days={
            "월요일:": None,
            "(월)": None,
            "주일:": None,
            "5월 3일:": "2026-05-03",
            "5월 3일(주일):": "2026-05-03",
            "5월 3~5일:": "2026-05-03/2026-05-05",
            "2027년 5월 3일 –": "2027-05-03",
            "5월 30일~6월 2일:": "2026-05-30/2026-06-02",
            "첫째 날:": None,
            "6월 31일:": None,
        },
        residue=[
            "메일이 보이지 않으면 여기를 클릭하세요",
            "웹에서 보기",
            "나의 iPhone에서 보냄",
            "수신거부",
            "20초 후에 창이 닫힙니다",
        ],
        not_residue=["아이들은 학교에서 책을 더 읽고 싶어 합니다."],
        salutation="사랑하는 동역자 여러분께,",
        leads=["사무엘을 위해 기도해 주세요.| 아픕니다."],
    ),
    "zh": Language(
        petitions=[
            "请为北方的教会祷告。",
            "求主保守道路畅通。",
            "求神安慰寡妇。",
            "愿主赐长老智慧。",
            "为病人代祷。",
            "祈求天父降雨。",
            "请继续为撒母耳祷告，他生病了。",
            "恳求主怜悯被囚的人。",
            "請為北方的教會禱告。",
            "願主賜下智慧。",
        ],
        thanks=[
            "感谢主，庄稼丰收。",
            "感谢神保守旅途平安。",
            "赞美主的信实。",
            "为护士们感恩。",
            "感謝主，屋頂完工了。",
            "讚美神！",
        ],
        mixed=[
            "感谢主差来护士，求主使他们留下。",
            "感谢神赐下雨水。请为晴天祷告。",
            "感謝主差來護士，並求主使他們留下。",
        ],
        near_misses=[
            "求职信息",
            "感谢各位义工",
            "5月3日：祷告会",
            "周四，诗班练习",
            "代祷信六月出版",
            "感谢各位印刷同工",
            "办公室：长路12号",
        ],
        prayer_headings=[
            "代祷事项",
            "代禱事項：",
            "请为以下事项祷告：",
            "祷告",
            "【代祷】",
            "感恩与代祷",
            "二、代祷事项",
        ],
        thanks_headings=["感恩事项", "感恩", "一、感恩"],
        other_headings=["活动日程", "最新消息", "联系我们"],
        days={
            "周一：": None,
            "週一：": None,
            "星期天：": None,
            "【周一】": None,
            "5月3日：": "2026-05-03",
            "５月３日：": "2026-05-03",
            "5月3日（主日）：": "2026-05-03",
            "5月3日至5日：": "2026-05-03/2026-05-05",
            "2027年5月3日：": "2027-05-03",
            "五月三日：": "2026-05-03",
            "五月三十一日（週日）：": "2026-05-31",
            "十二月三至五日：": "2026-12-03/2026-12-05",
            "第一天：": None,
            "6月31日：": None,
        },
        residue=[
            "如果您无法正常查看此邮件，请点击这里",
            "在浏览器中查看此邮件",
            "发自我的iPhone",
            "阅读原文",
            "取消订阅",
            "20秒后自动关闭",
        ],
        not_residue=["孩子们想在学校阅读更多的书，也想写字。"],
        salutation="亲爱的弟兄姊妹：",
        leads=["请为撒母耳祷告。|他病了。", "他好吗？|请祷告！"],
    ),
    "ru": Language(
        petitions=[
            "Молитесь о церкви на севере.",
            "Пожалуйста, молитесь, чтобы дорога оставалась открытой.",
            "Помолитесь за больных.",
            "Просите Бога о дожде.",
            "Просим Господа утешить вдову.",
            "Да благословит Господь семьи.",
            "Пусть Бог даст мудрость старейшинам.",
            "Господи, помилуй узников.",
            "Ходатайствуйте за учителей.",
        ],
        thanks=[
            "Благодарите Бога за урожай.",
            "Слава Богу, крыша готова.",
            "Благодарим Господа за медсестёр.",
            "Славьте Бога за Его верность.",
            "Мы благодарны Богу за поездку.",
            "Поблагодарите Бога за новых учителей.",
        ],
        mixed=[
            "Благодарим Бога за конференцию и просим у Него сил.",
            "Благодарите Бога за медсестёр и молитесь, чтобы они остались.",
            "Слава Богу за дождь. Молитесь о солнце.",
        ],
        near_misses=[
            "Благодарим всех волонтёров",
            "Просим сообщить до пятницы",
            "3 мая: молитвенное собрание",
            "Четверг, репетиция хора",
            "Молитвенное письмо выйдет в июне",
            "Спасибо нашим печатникам",
            "Офис: Длинная ул., 12",
        ],
        prayer_headings=[
            "Молитвенные нужды",
            "Темы для молитвы:",
            "Молитесь о:",
            "Для молитвы",
            "Молитвенный календарь",
            "Благодарность и молитва",
        ],
        thanks_headings=["Благодарность", "Поводы для благодарности", "Ответы на молитвы"],
        other_headings=["Важные даты", "Новости", "Контакты"],
        days={
            "Понедельник:": None,
            "Пн:": None,
            "3 мая –": "2026-05-03",
            "3–5 мая:": "2026-05-03/2026-05-05",
            "с 3 по 5 мая:": "2026-05-03/2026-05-05",
            "Воскресенье, 3 мая 2027 г.:": "2027-05-03",
            "3.05:": "2026-05-03",
            "День 1:": None,
            "31 июня:": None,
        },
        residue=[
            "Открыть письмо в браузере",
            "Нажмите здесь, чтобы отписаться",
            "Отправлено с iPhone",
            "Читать далее",
        ],
        not_residue=["Дети хотят читать дальше и больше писать в школе."],
        salutation="Дорогие друзья!",
        leads=["Молитесь о св. Георгии и прим. 20 детях.| Они ждут."],
    ),
}


def cases(field: str) -> list[tuple[str, str]]:
    return [(name, text) for name, one in LANGUAGES.items() for text in getattr(one, field)]


def read(text: str, language: str, ending: str = "txt") -> Bulletin:
    return read_bulletin(f"Title 2026\n\nX.\n\n{text}".encode(), f"a.{ending}", language)


def test_every_language_has_its_table() -> None:
    assert set(LANGUAGES) == KNOWN
    for language in LANGUAGES:
        words = words_of(language)
        assert words.known
        assert len(words.weekdays) == 7
        assert len(words.months) == 12
        assert set(words.keys.values()) == set(KEYS)


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        *((*case, "petition") for case in cases("petitions")),
        *((*case, "thanksgiving") for case in cases("thanks")),
        *((*case, "mixed") for case in cases("mixed")),
    ],
)
def test_a_sentence_that_prays_makes_a_point_without_a_heading(
    language: str, text: str, kind: str
) -> None:
    (point,) = read(f"• {text}", language).points

    assert (point.text, point.kind) == (text, kind)


@pytest.mark.parametrize(("language", "text"), cases("near_misses"))
def test_a_list_that_asks_for_nothing_stays_a_list(language: str, text: str) -> None:
    bulletin = read(f"• {text}\n• {text}!", language)

    assert not bulletin.points
    assert [type(block).__name__ for block in bulletin.blocks] == ["Paragraph", "ItemList"]


@pytest.mark.parametrize(
    ("language", "heading", "kind"),
    [
        *((*case, "petition") for case in cases("prayer_headings")),
        *((*case, "thanksgiving") for case in cases("thanks_headings")),
    ],
)
def test_under_a_prayer_heading_every_item_is_a_point(
    language: str, heading: str, kind: str
) -> None:
    bulletin = read(f"{heading}\n• Abc\n• Def", language)

    assert [(p.text, p.kind.value) for p in bulletin.points] == [("Abc", kind), ("Def", kind)]


@pytest.mark.parametrize(("language", "heading"), cases("other_headings"))
def test_under_a_heading_of_dates_or_news_no_item_is_a_point(language: str, heading: str) -> None:
    asking = LANGUAGES[language].petitions[0]

    bulletin = read(f"{heading}\n\n• {asking}\n• {asking}", language)

    assert not bulletin.points


@pytest.mark.parametrize(("language", "label"), cases("days"))
def test_a_day_is_a_label_in_every_format(language: str, label: str) -> None:
    asking, date = LANGUAGES[language].petitions[0], LANGUAGES[language].days[label]
    text = f"{label} {asking}\n{label} {asking}"

    found, in_markdown = read(text, language).points, read(text, language, "md").points

    group = None if date else label.rstrip(" :：–-").strip("()[]【】")
    assert [(p.text, p.date, p.group) for p in found] == [(asking, date, group)] * 2
    assert [(p.text, p.date, p.group) for p in in_markdown] == [(asking, date, group)] * 2


@pytest.mark.parametrize(("language", "line"), cases("residue"))
def test_residue_of_a_page_or_mailer_is_found(language: str, line: str) -> None:
    bulletin = read(f"X.\n\n{line}\n\nX.", language)

    assert bulletin.residue == (7,)


@pytest.mark.parametrize(("language", "line"), cases("not_residue"))
def test_a_sentence_with_such_words_is_no_residue(language: str, line: str) -> None:
    assert not read(f"X.\n\n{line}\n\nX.", language).residue


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_salutation_is_no_summary(language: str) -> None:
    greeting = LANGUAGES[language].salutation
    text = f"Title\n\n{greeting}\n\nAbc def.\n\nX."

    assert read_bulletin(text.encode(), "a.txt", language).summary == "Abc def."


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_greets_once_and_the_bulletin_keeps_its_salutation(language: str) -> None:
    greeting = LANGUAGES[language].salutation
    bulletin = read_bulletin(f"Title\n\n{greeting}\n\nAbc def.\n".encode(), "a.txt", language)

    email = render(bulletin, LOOK, Templates([shipped_templates()]))

    assert isinstance(bulletin.blocks[0], Paragraph)
    assert bulletin.blocks[0].text == greeting
    for part in (email.html, email.text):
        assert Slot.GREETING in part.slots
        assert greeting not in "".join(part.literals)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Greetings from Nairobi!"),
        ("en", "Dear friends, the rain has come!"),
        ("en", "Dear to all of us here was Amos:"),
        ("de", "Liebe Freunde, endlich Regen!"),
        ("es", "Saludos desde Lima:"),
        ("fr", "Bonjour de Lyon,"),
        ("pt", "Saudações de Luanda!"),
        ("ru", "Привет из Омска!"),
        ("zh", "弟兄姊妹在山上聚会。"),
        ("ar", "سلام من بيروت،"),
        ("fa", "سلام از شیراز،"),
    ],
)
def test_what_says_more_than_a_greeting_stays_in_the_mail(language: str, text: str) -> None:
    bulletin = read_bulletin(f"Title\n\n{text}\n\nAbc def.\n".encode(), "a.txt", language)

    email = render(bulletin, LOOK, Templates([shipped_templates()]))

    assert text in "".join(email.html.literals)
    assert text in "".join(email.text.literals)


@pytest.mark.parametrize(("language", "text"), cases("leads"))
def test_a_lead_ends_where_the_language_ends_a_sentence(language: str, text: str) -> None:
    lead, _, rest = text.partition("|")
    heading = LANGUAGES[language].prayer_headings[0]

    (point,) = read(f"{heading}\n• {lead}{rest}", language).points

    assert point.lead == lead
